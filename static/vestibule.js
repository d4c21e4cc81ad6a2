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

// What the server says about a proof, or "" when it is right.
const confirmBy = async (proof) => {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(CONFIRM, { method: "POST", headers, body: JSON.stringify(proof) });
  return answer.ok ? "" : (await answer.json()).error;
};

const UNSENT = "That did not arrive. Please try again.";

// By what somebody can confirm here, and what is said about it.
const PROOFS = {
  password: (form) => confirmBy({ password: form.elements.password.value }).catch(() => UNSENT),
  totp: (form) => confirmBy({ code: form.elements.code.value }).catch(() => UNSENT),
  passkey: () => passkeys.prove(`${CONFIRM}/passkey`).then(() => "", (error) => passkeys.explain(error) || UNSENT),
};

// The ways that are worth asking for: none when nothing has to be confirmed.
const waysToAsk = async () => {
  const answer = await fetch(CONFIRM);
  if (!answer.ok) {
    return [];
  }
  const { expires_in: left, methods } = await answer.json();
  const isPossible = (way) => way in PROOFS && (way !== "passkey" || passkeys.isPossible);
  return left === 0 ? methods.filter(isPossible) : [];
};

// Resolves to whether they have confirmed.
const ask = (template, ways) => {
  const dialog = template.content.querySelector("dialog").cloneNode(true);
  const said = dialog.querySelector("[role=alert]");
  const use = (way) => {
    said.textContent = "";
    for (const form of dialog.querySelectorAll("form[data-way]")) {
      form.hidden = form.dataset.way !== way;
    }
    for (const other of dialog.querySelectorAll("[data-use]")) {
      other.hidden = other.dataset.use === way || !ways.includes(other.dataset.use);
    }
    dialog.querySelector(`form[data-way=${way}] :is(input:not([hidden]), [type=submit])`).focus();
  };
  addReveals(dialog);
  for (const other of dialog.querySelectorAll("[data-use]")) {
    other.addEventListener("click", () => use(other.dataset.use));
  }
  for (const form of dialog.querySelectorAll("form[data-way]")) {
    const input = form.querySelector("input:not([hidden])");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.textContent = await PROOFS[form.dataset.way](form);
      if (said.textContent) {
        input?.setAttribute("aria-invalid", "true");
        input?.select();
      } else {
        dialog.close("confirmed");
      }
    });
    form.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  }
  document.body.append(dialog);
  dialog.showModal();
  use(ways[0]);
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
    const ways = await waysToAsk().catch(() => []);
    const goesOn = ways.length === 0 || (await ask(template, ways));
    state = goesOn ? "sending" : "idle";
    if (goesOn) {
      form.requestSubmit(event.submitter);
    }
  });
}

// In a window beside an app that waits for it. Nobody else is told, and there is nothing in it.
const confirmed = document.querySelector("[data-confirmed-for]");
if (confirmed && globalThis.opener) {
  globalThis.opener.postMessage("vestibule:confirmed", confirmed.dataset.confirmedFor);
  globalThis.close();
}

// On its way to an organization's identity provider, or back.
document.querySelector("form[data-sends-itself]")?.requestSubmit();

document.getElementById("errors")?.focus();
