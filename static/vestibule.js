// Everything works without this file; it only saves a moment here and there.

for (const button of document.querySelectorAll("button[data-reveal]")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // Browsers and password managers only offer to save what is a password field when it is sent.
  input.form.addEventListener("submit", () => show(false));
}

for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
}

document.getElementById("errors")?.focus();
