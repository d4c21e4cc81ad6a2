// Passkeys: puts what our API asks to the browser, and sends back what it says. Without this file people sign in with a
// password, and a button for a passkey is never seen.

const passkeys = (() => {
  // What may be shown to people as it is.
  class Refusal extends Error {}

  const isPossible = "PublicKeyCredential" in globalThis && "credentials" in navigator;

  // By hand: not every browser, and no extension that stands in for one, can turn these into JSON by itself.
  const toBytes = (text) => {
    const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0));
  };

  const toText = (buffer) => {
    const base64 = btoa(String.fromCodePoint(...new Uint8Array(buffer)));
    return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };

  const keysWithBytes = (keys) => keys?.map((key) => ({ ...key, id: toBytes(key.id) }));

  const withBytes = (options) => ({
    ...options,
    challenge: toBytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: toBytes(options.user.id) } }),
    ...(options.allowCredentials && { allowCredentials: keysWithBytes(options.allowCredentials) }),
    ...(options.excludeCredentials && { excludeCredentials: keysWithBytes(options.excludeCredentials) }),
  });

  const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

  const describe = ({ id, rawId, type, response, ...credential }) => ({
    id,
    rawId: toText(rawId),
    type,
    response: {
      ...Object.fromEntries(PARTS.filter((part) => response[part]).map((part) => [part, toText(response[part])])),
      ...(response.getTransports && { transports: response.getTransports() }),
    },
    clientExtensionResults: credential.getClientExtensionResults?.() ?? {},
  });

  // Where the server wants to be sure first who this is, its own page asks.
  const post = async (path, body) => {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) {
      if (said.confirm_url) {
        location.assign(said.confirm_url);
      }
      throw new Refusal(said.error);
    }
    return said;
  };

  // A browser puts one question at a time. The one that waits for an autofill gives way to all others.
  let waiting;
  let isAsking = false;

  const put = async (mediation, question) => {
    if (isAsking && mediation === "conditional") {
      throw new DOMException("another question is put", "AbortError");
    }
    waiting?.abort();
    const { signal } = (waiting = new AbortController());
    isAsking = mediation !== "conditional";
    try {
      const credential = await question(signal);
      if (!credential) {
        throw new DOMException("nothing came back", "NotAllowedError");
      }
      return describe(credential);
    } finally {
      isAsking &&= mediation === "conditional";
    }
  };

  // Asks at an address of our API for a proof, and resolves to what it says of it.
  const prove = async (at, more = () => ({}), mediation = "optional") => {
    const { ceremony, publicKey } = await post(`${at}/start`, more());
    const options = { publicKey: withBytes(publicKey), mediation };
    const credential = await put(mediation, (signal) => navigator.credentials.get({ ...options, signal }));
    return post(`${at}/finish`, { ...more(), ceremony, credential });
  };

  // Asks for a new key, and resolves to what its registration takes.
  const make = async (at) => {
    const { ceremony, publicKey } = await post(`${at}/start`, {});
    const options = { publicKey: withBytes(publicKey) };
    const credential = await put("optional", (signal) => navigator.credentials.create({ ...options, signal }));
    return { ceremony, credential };
  };

  // "" for what nobody needs to be told.
  const explain = (error, nothing = "Nothing came back: it was cancelled, or took too long. Try again.") => {
    if (error instanceof Refusal) {
      return error.message;
    }
    switch (error.name) {
      case "AbortError":
        return "";
      case "NotAllowedError":
        return nothing;
      case "InvalidStateError":
        return "This device has a passkey for your account already.";
      default:
        return "That did not work here. Try again, or choose another way.";
    }
  };

  return { Refusal, isPossible, prove, make, explain };
})();

(() => {
  const SIGN_IN = "/auth/login/passkey";
  // Shorter than a question counts, so that whoever comes back to an open page is still asked a good one.
  const ASK_AGAIN_MS = 4 * 60 * 1000;

  const WAYS = {
    "sign-in": { at: SIGN_IN, more: (form) => ({ alone: true, remember: form?.elements.remember?.checked ?? false }) },
    "second-factor": { at: SIGN_IN, more: () => ({}) },
    confirm: { at: "/auth/confirm/passkey", more: () => ({}) },
  };

  const canOffer = passkeys.isPossible && PublicKeyCredential.isConditionalMediationAvailable?.();

  // A form that takes a script: a new key goes along with what was typed.
  const addForm = (form) => {
    const said = form.querySelector("[role=alert]");
    let isBusy = false;
    form.addEventListener("submit", async (event) => {
      // A dialog has it, and sends it again when it is done.
      if (event.defaultPrevented) {
        return;
      }
      event.preventDefault();
      if (isBusy) {
        return;
      }
      isBusy = true;
      said.textContent = "";
      try {
        const { ceremony, credential } = await passkeys.make("/me/passkeys");
        form.elements.ceremony.value = ceremony;
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      } catch (error) {
        said.textContent = passkeys.explain(error, "No passkey was made. Try again when you are ready.");
      } finally {
        isBusy = false;
      }
    });
    form.hidden = false;
  };

  const addButton = (place) => {
    const [button, said] = [place.querySelector("button"), place.querySelector("[role=alert]")];
    const { at, more } = WAYS[place.dataset.passkey];
    const prove = async (mediation) => {
      try {
        await passkeys.prove(at, () => more(button.form), mediation);
        location.assign(place.dataset.returnTo);
        return true;
      } catch (error) {
        // Whoever has not chosen one from the list does not want to know what became of it.
        said.textContent = mediation === "optional" || error instanceof passkeys.Refusal ? passkeys.explain(error) : "";
        return false;
      }
    };
    // In the list that the browser shows at the field for the address.
    const offer = async () => {
      if ("autofill" in place.dataset && !button.disabled && (await canOffer)) {
        prove("conditional");
      }
    };
    button.addEventListener("click", async () => {
      said.textContent = "";
      button.disabled = true;
      button.disabled = await prove("optional");
      offer();
    });
    place.hidden = false;
    return offer;
  };

  if (!passkeys.isPossible) {
    return;
  }
  for (const without of document.querySelectorAll("[data-without-passkeys]")) {
    without.hidden = true;
  }
  document.querySelectorAll("form[data-passkey=add]").forEach(addForm);
  for (const offer of [...document.querySelectorAll("[data-passkey]:not(form)")].map(addButton)) {
    offer();
    setInterval(offer, ASK_AGAIN_MS);
  }
})();
