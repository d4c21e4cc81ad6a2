// What happened, and taking one's data along, in a real browser.
//
//   node activity.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, confirm, followLetter, heading, link, openLetter, passwordField, signIn, signUp } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const mia = { name: "Mia", email: "mia@example.com", password: "seven quiet herons" };

describe("what happened", () => {
  after(() => browser.close());

  stage.story("is told to whom it concerns, found again, and taken along with all the rest", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(at("/signup"));
    await signUp(page, mia);
    await link(page, "Open the local inbox").click();
    await openLetter(page, mia.email);
    await followLetter(page);
    await confirm(page);
    await triesAPassword();
    await page.goto(at("/login"));
    await signIn(page, mia);
    await heading(page, "Hello, Mia");

    await link(page, "Your activity").click();
    await heading(page, "Your activity");
    await page.getByText("Somebody failed to sign in with a password.").waitFor();
    await album.look(page, "activity");

    await page.getByLabel("What", { exact: true }).selectOption("Account and address");
    await button(page, "Look").click();
    await page.getByText("The email address was confirmed.").waitFor();
    assert.equal(await page.getByText("Signed in with a password.").count(), 0);
    await album.look(page, "activity-found");
    await page.getByLabel("What", { exact: true }).selectOption("API keys");
    await button(page, "Look").click();
    await page.getByText("Nothing like that has happened.").waitFor();
    await album.look(page, "activity-nothing");
    await page.goto(at("/account/activity?since=soon&kind=nonsense"));
    await page.getByRole("alert").waitFor();
    assert.match(await page.title(), /^Error: /);
    await album.look(page, "activity-wrong");

    await page.goto(at("/"));
    await link(page, "Take it along").click();
    await heading(page, "Confirm that it is you");
    await passwordField(page).fill(mia.password);
    await button(page, "Confirm").click();
    await heading(page, "Your data");
    await album.look(page, "export");
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download your data").click()]);
    assert.match(download.suggestedFilename(), /^vestibule-export-\d{4}-\d\d-\d\d\.json$/);
    const document = JSON.parse(await readFile(await download.path(), "utf8"));
    assert.equal(document.account.email, mia.email);
    assert.ok(document.events.some((event) => event.kind === "user.exported"));
  });
});

// Somebody else, elsewhere.
async function triesAPassword() {
  const answer = await fetch(at("/auth/login"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email: mia.email, password: "a guess" }),
  });
  assert.equal(answer.status, 401);
}
