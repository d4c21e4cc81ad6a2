// For apps behind the gate: where a `fetch` is answered that somebody has to confirm first that it is them, a dialog says so
// and opens the page for it, and the same request is made once more afterwards, body included. Without this file such a
// request ends with its 401. Documented in docs/step-up.md.

(() => {
  const CHALLENGE = /^Bearer\b.*error="insufficient_user_authentication"/i;
  const DONE = "vestibule:confirmed";
  const original = globalThis.fetch;

  const STYLE = `
    :host { color-scheme: light dark; }
    dialog {
      box-sizing: border-box; inline-size: min(26rem, calc(100vw - 2rem)); padding: 1.5rem; border: 1px solid #8886;
      border-radius: .75rem; font: 1rem/1.5 system-ui, sans-serif; color: light-dark(#1b1b1f, #ececf0);
      background: light-dark(#fff, #1d1d22); overflow-wrap: break-word;
    }
    dialog::backdrop { background: #0008; }
    h2 { margin: 0 0 .5rem; font-size: 1.25rem; line-height: 1.3; }
    p { margin: 0 0 1rem; }
    p:empty { display: none; }
    div { display: flex; flex-wrap: wrap; gap: .75rem; }
    button {
      min-block-size: 2.75rem; padding: 0 1rem; border: 1px solid #808080; border-radius: .5rem; font: inherit;
      color: inherit; background: none; cursor: pointer;
    }
    button.first { border-color: transparent; color: #fff; background: #2f4bc4; }
    button:focus-visible { outline: 3px solid light-dark(#2f4bc4, #9fb0ff); outline-offset: 2px; }`;

  const make = (name, text = "", more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });

  // Where to confirm, from a refusal of the gate's; undefined for an app's own 401.
  const pageFrom = (answer) => {
    const challenge = answer.status === 401 ? (answer.headers.get("WWW-Authenticate") ?? "") : "";
    const url = CHALLENGE.test(challenge) && /\bconfirm_url="([^"]+)"/.exec(challenge)?.[1];
    return url && /^https?:\/\//.test(url) ? new URL(url) : undefined;
  };

  // The same page, which leads to one that tells us of it.
  const inAWindow = (page, request) => {
    const { pathname, search } = new URL(request.url);
    const here = new URLSearchParams({ return_to: `${location.origin}/`, sent: `${request.method} ${pathname}${search}` });
    const there = new URL(page);
    there.search = new URLSearchParams({ return_to: `/confirmed?${here}` });
    return there;
  };

  // Resolves to the answer of a request that was let through, or to undefined when somebody does not want to.
  const ask = (there, again) =>
    new Promise((resolve, reject) => {
      const host = make("div");
      const dialog = make("dialog");
      const title = make("h2", "Confirm that it is you", { id: "title" });
      const said = make("p", "");
      const [confirm, cancel] = [make("button", "Confirm", { type: "button" }), make("button", "Cancel", { type: "button" })];
      confirm.className = "first";
      said.setAttribute("role", "status");
      dialog.setAttribute("aria-labelledby", "title");
      const actions = make("div");
      actions.append(confirm, cancel);
      dialog.append(title, make("p", "Before this is done, prove once more that it is you. A window opens for it."), said, actions);
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      const root = host.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(dialog);

      let answer;
      let isTrying = false;
      let isOpened = false;
      const listening = new AbortController();
      const { signal } = listening;
      const end = (result) => {
        answer = result;
        dialog.close();
      };
      // The gate alone knows. What it still refuses has not reached the app.
      const tryAgain = async () => {
        if (isTrying || !isOpened || !dialog.open) {
          return;
        }
        isTrying = true;
        said.textContent = "";
        try {
          const result = await again();
          if (pageFrom(result)) {
            said.textContent = "It is not confirmed yet.";
            confirm.textContent = "Open the window again";
          } else {
            end(result);
          }
        } catch (error) {
          reject(error);
          dialog.close();
        } finally {
          isTrying = false;
        }
      };
      confirm.addEventListener("click", () => {
        isOpened = true;
        const size = "popup,width=520,height=720";
        if (!globalThis.open(there, "vestibule-confirm", size)) {
          said.textContent = "Your browser did not open the window. Allow it to, and try again.";
        }
      });
      cancel.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => {
        listening.abort();
        host.remove();
        resolve(answer);
      });
      const onMessage = (event) => event.origin === there.origin && event.data === DONE && tryAgain();
      globalThis.addEventListener("message", onMessage, { signal });
      // Where the window could not tell: people come back.
      globalThis.addEventListener("focus", tryAgain, { signal });
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tryAgain(), { signal });
      document.body.append(host);
      dialog.showModal();
      confirm.focus();
    });

  // One dialog at a time: who has confirmed for one has confirmed for those that wait.
  let last = Promise.resolve();
  const inTurn = (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };

  globalThis.fetch = async (...what) => {
    const request = new Request(...what);
    if (new URL(request.url).origin !== location.origin) {
      return original(request);
    }
    // Read before it is used up, so that it can be sent again: also what comes from a stream.
    const hasBody = !["GET", "HEAD"].includes(request.method);
    const body = hasBody ? await request.clone().blob() : undefined;
    const again = () => original(new Request(request, hasBody ? { body } : {}));
    const refused = await again();
    if (!pageFrom(refused)) {
      return refused;
    }
    return inTurn(async () => {
      const meanwhile = await again();
      const page = pageFrom(meanwhile);
      return page ? ((await ask(inAWindow(page, request), again)) ?? meanwhile) : meanwhile;
    });
  };
})();
