// Passkeys: what a page cannot do without a script. Forms that need one are hidden until the browser is seen to be able.

const toBytes = (text) => {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
};

const toText = (bytes) => {
  const characters = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte));
  return btoa(characters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const toDescriptors = (list) => (list ?? []).map((known) => ({ ...known, id: toBytes(known.id) }));

// Browsers take and give bytes; we send and take base64url. Many do this by themselves by now, and many not yet.
const toCreation = (options) => ({
  ...options,
  challenge: toBytes(options.challenge),
  user: { ...options.user, id: toBytes(options.user.id) },
  excludeCredentials: toDescriptors(options.excludeCredentials),
});

const fromCreation = ({ id, rawId, type, response }) => ({
  id,
  rawId: toText(rawId),
  type,
  response: {
    clientDataJSON: toText(response.clientDataJSON),
    attestationObject: toText(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  },
});

// What the server answers; where it wants to be sure first who this is, its own page asks.
const post = async (path, body) => {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const said = await answer.json();
  if (answer.ok) {
    return said;
  }
  if (said.confirm_url) {
    location.assign(said.confirm_url);
  } else if (answer.status === 401) {
    location.reload();
  }
  throw new Error(said.error);
};

const explain = (error) => {
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return "No passkey was made. Try again when you are ready.";
    case "InvalidStateError":
      return "This device has a passkey for your account already.";
    case "Error":
      return error.message;
    default:
      return "This did not work here. Another browser or device may be able to.";
  }
};

const make = async (form) => {
  const { ceremony, publicKey } = await post("/me/passkeys/start", {});
  const credential = await navigator.credentials.create({ publicKey: toCreation(publicKey) });
  form.elements.ceremony.value = ceremony;
  form.elements.credential.value = JSON.stringify(fromCreation(credential));
  form.submit();
};

const enable = (form) => {
  const said = form.querySelector("[role=alert]");
  let isBusy = false;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    // The dialog has it, and sends it again when it is done.
    if (event.defaultPrevented) {
      return;
    }
    event.preventDefault();
    if (isBusy) {
      return;
    }
    isBusy = true;
    said.textContent = "";
    await make(form).catch((error) => {
      said.textContent = explain(error);
    });
    isBusy = false;
  });
};

if (globalThis.PublicKeyCredential) {
  for (const without of document.querySelectorAll("[data-without-passkeys]")) {
    without.hidden = true;
  }
  document.querySelectorAll("form[data-passkey=add]").forEach(enable);
}
