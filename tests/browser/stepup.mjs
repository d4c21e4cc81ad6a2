// Confirming once more who one is, in a real browser, against a service where a confirmation is soon too old.
//
//   node stepup.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, heading, isToldWhatIsWrong, link, passwordField, person, signIn, signUp } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const ANEW = "nine patient otters";

describe("whoever is about to do something dangerous is asked once more", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("in a dialog, which loses nothing of what was typed", async (arrive) => {
    const hal = person("Hal");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsIn(page, hal);
    await link(page, "Choose another one").click();
    await heading(page, "Confirm that it is you");
    await page.getByText("To change your password, prove once more that it is you.").waitFor();
    assert.ok(await hasFocus(passwordField(page)));
    await album.look(page, "confirm");
    await confirmWith(page, "eight loud herons");
    await isToldWhatIsWrong(page, "The password is not right.");
    assert.equal(visitor.status(page), 401);
    await album.look(page, "confirm-wrong-password");
    await confirmWith(page, hal.password);
    await heading(page, "Change your password");
    await album.look(page, "change-password");

    await isTooOld(page);
    await page.getByLabel("New password").fill("password1");
    await button(page, "Change password").click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.waitFor();
    assert.ok(await hasFocus(passwordField(dialog)));
    await album.look(page, "confirm-dialog");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.getByLabel("New password").inputValue(), "password1");
    assert.ok(await hasFocus(button(page, "Change password")));

    await button(page, "Change password").click();
    await confirmWith(dialog, "eight loud herons");
    await dialog.getByRole("alert").filter({ hasText: "The password is not right." }).waitFor();
    assert.deepEqual(visitor.complaints.splice(0), [`401 for ${at("/auth/confirm")}`]);
    await album.look(page, "confirm-dialog-wrong-password");
    await confirmWith(dialog, hal.password);
    await isToldWhatIsWrong(page, "is one of the first that anybody would try");
    await page.goto(at("/account/password?done=unsent"));
    await page.getByRole("status").filter({ hasText: "Nothing was changed yet" }).waitFor();
    await album.look(page, "change-password-unsent");

    await isTooOld(page);
    await page.getByLabel("New password").fill(ANEW);
    await page.keyboard.press("Enter");
    await confirmWith(dialog, hal.password);
    await isChanged(page);
    await album.look(page, "home-password-changed");
  });

  stage.story("without scripts on a page of its own, and what was sent too late is not sent again by itself", async (arrive) => {
    const ida = person("Ida");
    const page = await (await arrive({ javaScriptEnabled: false })).tab();
    await getsIn(page, ida);
    await page.goto(at("/.well-known/change-password"));
    await heading(page, "Confirm that it is you");
    await confirmWith(page, ida.password);
    await heading(page, "Change your password");
    await isTooOld(page);
    await page.getByLabel("New password").fill(ANEW);
    await button(page, "Change password").click();
    await heading(page, "Confirm that it is you");
    await confirmWith(page, ida.password);
    await page.getByRole("status").filter({ hasText: "Nothing was changed yet. Please send it again." }).waitFor();
    assert.equal(await page.getByLabel("New password").inputValue(), "");
    await page.getByLabel("New password").fill(ANEW);
    await button(page, "Change password").click();
    await isChanged(page);
  });
});

async function getsIn(page, who) {
  await page.goto(at("/signup"));
  await signUp(page, who);
  await heading(page, "Check your mail");
  await page.goto(at("/login"));
  await signIn(page, who);
  await heading(page, `Hello, ${who.name}`);
}

async function confirmWith(place, secret) {
  await passwordField(place).fill(secret);
  await button(place, "Confirm").click();
}

// Without the new password nothing comes of it either way.
async function isTooOld(page) {
  const headers = { origin: new URL(portal).origin };
  const status = async () => (await page.request.put(at("/me/password"), { headers, data: {} })).status();
  while ((await status()) !== 403) {
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function isChanged(page) {
  await page.getByRole("status").filter({ hasText: "Your password is changed." }).waitFor();
}

const hasFocus = (place) => place.evaluate((element) => element === document.activeElement);
