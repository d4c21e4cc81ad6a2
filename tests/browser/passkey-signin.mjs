// Passkeys, in a real browser with a pretended key store: used to sign in and to confirm, until removed. The service's
// confirmations are soon too old.
//
//   node passkey-signin.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { KeyStore } from "./support/keys.mjs";
import { Album } from "./support/look.mjs";
import { button, email, getsIn, heading, link, openLetter, passwordField, person, signIn } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const UNTOUCHED = { automaticPresenceSimulation: false };
const ANEW = "nine patient otters";

describe("a passkey", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("signs in from the list at the field for the address, and after the password", async (arrive) => {
    const mia = person("Mia");
    const visitor = await arrive();
    const page = await visitor.tab();
    const key = await KeyStore.beside(page, UNTOUCHED);
    await getsIn(page, portal, mia);
    await addsKey(page, key, mia);

    await signsOut(page);
    await page.goto(at("/login?return_to=%2Faccount%2Fsessions"));
    await button(page, "Sign in with a passkey").waitFor();
    await album.look(page, "login-with-passkey");
    await key.touched(async () => {
      await page.reload();
      await heading(page, "Your devices");
    });
    await page.getByText("a passkey").first().waitFor();

    await signsOut(page);
    await page.goto(at("/login?return_to=%2Faccount%2Fsecurity"));
    await signIn(page, mia);
    await heading(page, "Use your passkey");
    await album.look(page, "second-factor-passkey");
    await key.touched(async () => {
      await button(page, "Use your passkey").click();
      await heading(page, "Signing in to your account");
    });

    await link(page, "Change your passkeys").click();
    await heading(page, "Your passkeys");
    await link(page, "Change the passkey Phone").click();
    await heading(page, "Change a passkey");
    await isTooOld(page);
    await button(page, "Remove this passkey").click();
    await confirmsInTheDialog(page, key, () =>
      page.getByRole("status").filter({ hasText: "The passkey is removed." }).waitFor(),
    );
    await page.goto(at("/dev/inbox"));
    await openLetter(page, mia.email, "passkey");
  });

  stage.story("signs in by its button, and lets nobody in when it has not looked at its holder", async (arrive) => {
    const noa = person("Noa");
    const visitor = await arrive();
    // As older browsers are.
    await visitor.context.addInitScript(() => {
      if (globalThis.PublicKeyCredential) {
        PublicKeyCredential.isConditionalMediationAvailable = undefined;
      }
    });
    const page = await visitor.tab();
    const key = await KeyStore.beside(page, UNTOUCHED);
    await getsIn(page, portal, noa);
    await addsKey(page, key, noa);
    await signsOut(page);
    await page.goto(at("/login"));
    await key.saysNothingOfItsHolder(true);
    const refused = at("/auth/login/passkey/finish");
    const refusal = page.waitForResponse(refused);
    await key.touched(async () => {
      await button(page, "Sign in with a passkey").click();
      await page.getByRole("alert").filter({ hasText: "has not shown that it is you." }).waitFor();
    });
    await refusal;
    assert.deepEqual(visitor.complaints.splice(0), [`401 for ${refused}`]);
    await album.look(page, "login-passkey-refused");
    await key.saysNothingOfItsHolder(false);
    await key.touched(async () => {
      await button(page, "Sign in with a passkey").click();
      await heading(page, "Hello, Noa");
    });
  });

  stage.story("confirms that it is its holder, on the page and in the dialog, which offers all they have", async (arrive) => {
    const oda = person("Oda");
    const visitor = await arrive();
    const page = await visitor.tab();
    const key = await KeyStore.beside(page, UNTOUCHED);
    await getsIn(page, portal, oda);
    await addsKey(page, key, oda);

    await isTooOld(page);
    await page.goto(at("/account/password"));
    await heading(page, "Confirm that it is you");
    await album.look(page, "confirm-with-passkey");
    await key.touched(async () => {
      await button(page, "Use your passkey").click();
      await heading(page, "Change your password");
    });

    await isTooOld(page);
    await page.getByLabel("New password").fill(ANEW);
    await button(page, "Change password").click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await passwordField(dialog).waitFor();
    await album.look(page, "confirm-dialog-several-ways");
    await button(dialog, "Use your passkey").click();
    await passwordField(dialog).waitFor({ state: "hidden" });
    await album.look(page, "confirm-dialog-passkey");
    await key.touched(async () => {
      await button(dialog, "Use your passkey").click();
      await page.getByRole("status").filter({ hasText: "Your password is changed." }).waitFor();
    });
  });

  stage.story("takes the place of the password", async (arrive) => {
    const pia = person("Pia");
    const page = await (await arrive()).tab();
    const key = await KeyStore.beside(page, UNTOUCHED);
    await getsIn(page, portal, pia);
    await addsKey(page, key, pia);
    await page.goto(at("/account/password/remove"));
    if ((await page.title()).startsWith("Confirm")) {
      await passwordField(page).fill(pia.password);
      await button(page, "Confirm").click();
    }
    await heading(page, "Remove your password");
    await album.look(page, "remove-password");
    await isTooOld(page);
    await button(page, "Remove my password").click();
    await confirmsInTheDialog(page, key, () =>
      page.getByRole("status").filter({ hasText: "Your password is removed." }).waitFor(),
    );
    await album.look(page, "security-without-password");
    await isTooOld(page);
    await page.goto(at("/account/password"));
    await heading(page, "Confirm that it is you");
    await album.look(page, "confirm-by-passkey-alone");
    await key.touched(async () => {
      await button(page, "Use your passkey").click();
      await heading(page, "Choose a password");
    });
    await album.look(page, "choose-password");
    await page.goto(at("/dev/inbox"));
    await openLetter(page, pia.email, "was removed");
    await album.look(page, "letter-password-removed");
    await page.goto(at("/forgot-password"));
    await email(page).fill(pia.email);
    await page.getByRole("main").getByRole("button").first().click();
    await page.goto(at("/dev/inbox"));
    await openLetter(page, pia.email, "with a passkey");
    await album.look(page, "letter-no-password");
  });
});

async function confirmsInTheDialog(page, key, then) {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await button(dialog, "Use your passkey").click();
  await passwordField(dialog).waitFor({ state: "hidden" });
  await key.touched(async () => {
    await button(dialog, "Use your passkey").click();
    await then();
  });
}

// On its page, where the dialog asks first who this is.
async function addsKey(page, key, who) {
  await page.goto(at("/account/security/passkeys"));
  await heading(page, "Your passkeys");
  await page.getByLabel("Name").fill("Phone");
  await button(page, "Add a passkey").click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await key.touched(async () => {
    await passwordField(dialog).fill(who.password);
    await button(dialog, "Confirm").click();
    await heading(page, "Your recovery codes");
  });
  assert.equal((await key.keys()).length, 1);
}

async function signsOut(page) {
  await page.goto(at("/"));
  await button(page, "Sign out").click();
  await heading(page, "You are signed out");
}

// Without the new password nothing comes of it either way.
async function isTooOld(page) {
  const headers = { origin: new URL(portal).origin };
  const status = async () => (await page.request.put(at("/me/password"), { headers, data: {} })).status();
  while ((await status()) !== 403) {
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
