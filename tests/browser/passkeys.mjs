// Passkeys, in a real browser with a pretended key store: made, named and removed.
//
//   node passkeys.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { KeyStore } from "./support/keys.mjs";
import { Album } from "./support/look.mjs";
import { button, getsIn, heading, link, openLetter, passwordField, person } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const nameField = (page) => page.getByLabel("Name", { exact: true });

describe("a passkey", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("is made, named and removed by whoever has confirmed that it is them", async (arrive) => {
    const kim = person("Kim");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsIn(page, portal, kim);
    await link(page, "How you prove that it is you").click();
    await heading(page, "Signing in to your account");
    await link(page, "Add a passkey").click();
    await heading(page, "Your passkeys");
    assert.match(await nameField(page).inputValue(), /Linux/);
    await album.look(page, "passkeys-none");

    const store = await KeyStore.beside(page);
    await nameField(page).fill("Kim's laptop");
    await button(page, "Add a passkey").click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await passwordField(dialog).fill(kim.password);
    await button(dialog, "Confirm").click();
    await heading(page, "Your recovery codes");
    assert.equal(await page.getByRole("main").getByRole("listitem").count(), 10);
    await page.getByRole("status").filter({ hasText: "The passkey is added." }).waitFor();
    await album.look(page, "passkeys-recovery-codes");
    const [key] = await store.keys();
    assert.deepEqual([key.isResidentCredential, key.rpId], [true, new URL(portal).hostname]);
    await link(page, "I have kept them").click();
    await heading(page, "Signing in to your account");
    await page.getByText("10 of 10 left").waitFor();
    await album.look(page, "security-with-a-passkey");

    await link(page, "Change your passkeys").click();
    await page.getByText("Not used yet").waitFor();
    await button(page, "Add a passkey").click();
    await page.getByRole("alert").filter({ hasText: "This device has a passkey for your account already." }).waitFor();
    await album.look(page, "passkeys-one");

    const stick = await KeyStore.beside(page, { transport: "usb" });
    await nameField(page).fill("Stick on the ring");
    await button(page, "Add a passkey").click();
    await page.getByRole("status").filter({ hasText: "The passkey is added." }).waitFor();
    assert.equal((await stick.keys()).length, 1);
    await link(page, "Change your passkeys").click();
    await page.getByRole("listitem").filter({ hasText: "Stick on the ring" }).waitFor();
    await album.look(page, "passkeys-two");

    await link(page, "Change the passkey Stick on the ring").click();
    await heading(page, "Change a passkey");
    await nameField(page).fill("Stick in the drawer");
    await button(page, "Save the name").click();
    await page.getByRole("status").filter({ hasText: "another name" }).waitFor();
    await link(page, "Change the passkey Stick in the drawer").click();
    await page.getByText("What else you have set up stays as it is.").waitFor();
    await album.look(page, "passkey-change");
    await button(page, "Remove this passkey").click();
    await page.getByRole("status").filter({ hasText: "The passkey is removed." }).waitFor();
    assert.equal(await page.getByText("Stick in the drawer").count(), 0);
    await link(page, "Change the passkey Kim's laptop").click();
    await page.getByText("Then your password alone opens your account").waitFor();
    await button(page, "Remove this passkey").click();
    await page.getByText("You have no passkey yet.").waitFor();
    await page.goto(at("/dev/inbox"));
    await openLetter(page, kim.email, "was removed");
    await album.look(page, "letter-passkey-removed");
    await page.goto(at("/dev/inbox"));
    await openLetter(page, kim.email, "was added");
    await album.look(page, "letter-passkey-added");
  });

  stage.story("is not made by a device that does not know its holder", async (arrive) => {
    const lea = person("Lea");
    const page = await (await arrive()).tab();
    await getsIn(page, portal, lea);
    const store = await KeyStore.beside(page);
    await store.recognises(false);
    await page.goto(at("/account/security/passkeys"));
    await button(page, "Add a passkey").click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await passwordField(dialog).fill(lea.password);
    await button(dialog, "Confirm").click();
    await page.getByRole("alert").filter({ hasText: "No passkey was made." }).waitFor();
    await album.look(page, "passkeys-not-made");
    assert.equal((await store.keys()).length, 0);

    await store.recognises(true);
    await button(page, "Add a passkey").click();
    await heading(page, "Your recovery codes");
  });

  stage.story("is not offered where there are no scripts", async (arrive) => {
    const mia = person("Mia");
    const page = await (await arrive({ javaScriptEnabled: false })).tab();
    await getsIn(page, portal, mia);
    await page.goto(at("/account/security/passkeys"));
    await page.getByText("This browser cannot make passkeys").waitFor();
    assert.equal(await button(page, "Add a passkey").isVisible(), false);
    await album.photograph(page, "passkeys-without-scripts");
  });
});
