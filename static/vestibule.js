// Everything works without this file; it only saves a moment here and there.

// Buttons that show what is typed into a password field.
const addReveals = (root) => {
  for (const button of root.querySelectorAll("button[data-reveal]")) {
    const input = root.querySelector(`#${button.getAttribute("aria-controls")}`);
    const show = (shown) => {
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    };
    button.hidden = false;
    button.addEventListener("click", () => show(input.type === "password"));
    // Browsers and password managers only offer to save what is a password field when it is sent.
    input.form.addEventListener("submit", () => show(false));
  }
};
addReveals(document);

// Buttons that put what is shown once where it can be pasted from.
for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copy]") : []) {
  const shown = document.getElementById(button.getAttribute("aria-controls"));
  const said = document.querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = navigator.clipboard.writeText(shown.textContent).then(() => true, () => false);
    said.textContent = (await copied) ? "Copied." : "Mark it and copy it by hand.";
  });
}

for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
}

// Something dangerous wants a confirmation that is not too old. Asked for here, nothing that was typed is lost; without
// scripts, or where anything goes wrong, the server leads to a page of its own that asks.
const CONFIRM = "/auth/confirm";

// What the server says about a password, or "" when it is right.
const confirmBy = async (password) => {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(CONFIRM, { method: "POST", headers, body: JSON.stringify({ password }) });
  return answer.ok ? "" : (await answer.json()).error;
};

const isWorthAsking = async () => {
  const answer = await fetch(CONFIRM);
  if (!answer.ok) {
    return false;
  }
  const { expires_in: left, methods } = await answer.json();
  return left === 0 && methods.includes("password");
};

// Resolves to whether they have confirmed.
const ask = (template) => {
  const dialog = template.content.querySelector("dialog").cloneNode(true);
  const form = dialog.querySelector("form");
  const input = form.elements.password;
  const said = dialog.querySelector("[role=alert]");
  addReveals(dialog);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = await confirmBy(input.value).catch(() => "That did not arrive. Please try again.");
    if (said.textContent) {
      input.setAttribute("aria-invalid", "true");
      input.select();
    } else {
      dialog.close("confirmed");
    }
  });
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "confirmed");
    });
  });
};

const template = document.getElementById("confirm-first");
for (const form of template ? document.querySelectorAll("form[data-confirm]") : []) {
  let state = "idle";
  form.addEventListener("submit", async (event) => {
    if (state === "sending") {
      state = "idle";
      return;
    }
    event.preventDefault();
    if (state === "asking") {
      return;
    }
    state = "asking";
    const goesOn = !(await isWorthAsking().catch(() => false)) || (await ask(template));
    state = goesOn ? "sending" : "idle";
    if (goesOn) {
      form.requestSubmit(event.submitter);
    }
  });
}

document.getElementById("errors")?.focus();
