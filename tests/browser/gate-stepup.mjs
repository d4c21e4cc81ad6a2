// Confirming once more on the way to an app on a host of its own, in a real browser: pages, forms, and what a script sends.
//
//   node gate-stepup.mjs PORT PICTURES   PORT is where the proxy of both hosts listens

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, confirmByPassword, heading, link, signIn } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [port, folder] = process.argv.slice(2);
const [portal, app] = ["http://auth.example.com", "http://app.example.com"];
const album = new Album(folder);
const browser = await launch([
  `--host-resolver-rules=MAP *.example.com 127.0.0.1:${port}`,
  // What keeps pages apart from who has opened them holds for these alone.
  `--unsafely-treat-insecure-origin-as-secure=${portal},${app}`,
]);
const stage = new Stage({ browser, album, origins: [portal, app] });
const ann = { email: "ann@example.com", password: "seven quiet herons" };

// As the app would have it: what it answers by itself is no page to look at.
const PAGE = `<!doctype html><html lang="en"><head><title>Pages</title><meta name="viewport" content="width=device-width">
  </head><body><main><h1>Pages</h1><form method="post" action="/pages/1"><label>Title <input name="title" value="New"></label>
  <button>Send</button></form></main></body></html>`;

async function comesToTheApp(page, path) {
  await page.goto(`${app}${path}`);
  await signIn(page, ann);
  await page.waitForURL(`${app}${path}`);
}

// Nothing of it reaches the app any more once the gate refuses it.
async function isTooOld(visitor, page) {
  const status = () => page.evaluate(async () => (await fetch("/pages/0", { method: "DELETE" })).status);
  while ((await status()) !== 401) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  visitor.complaints.splice(0);
}

describe("an app on a host of its own", { concurrency: 3 }, () => {
  after(() => browser.close());

  stage.story("has what its script sent carried out once it is confirmed", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await comesToTheApp(page, "/pages/1");
    await isTooOld(visitor, page);
    await page.setContent(PAGE);
    await page.addScriptTag({ url: `${portal}/gateway/step-up.js` });
    const deletes = () =>
      page.evaluate(() => {
        const headers = { "Content-Type": "application/json" };
        const sent = fetch("/pages/1?x=2", { method: "DELETE", headers, body: JSON.stringify({ why: "it is old" }) });
        globalThis.outcome = sent.then(async (answer) => ({ status: answer.status, text: await answer.text() }));
      });
    const outcome = () => page.evaluate(() => globalThis.outcome);

    await deletes();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.waitFor();
    await album.look(page, "script-dialog");
    await page.keyboard.press("Escape");
    assert.equal((await outcome()).status, 401, "whoever does not want to leaves it at that");

    await deletes();
    await dialog.waitFor();
    const [popup] = await Promise.all([page.waitForEvent("popup"), button(dialog, "Confirm").click()]);
    await heading(popup, "Confirm that it is you");
    await popup.getByText("A deleted page cannot be brought back.").waitFor();
    await album.look(popup, "script-window");
    await popup.getByLabel("Password", { exact: true }).fill(ann.password);
    const closed = popup.waitForEvent("close");
    await button(popup, "Confirm").click();
    await closed;
    const { status, text } = await outcome();
    assert.equal(status, 200);
    const { method, uri, body } = JSON.parse(text);
    assert.deepEqual([method, uri, body], ["DELETE", "/pages/1?x=2", '{"why":"it is old"}']);
    await dialog.waitFor({ state: "detached" });
    const refusals = visitor.complaints.splice(0);
    assert.ok(refusals.every((complaint) => complaint === `401 for ${app}/pages/1?x=2`), refusals.join());
  });

  stage.story("gets its visitor back who was asked on the way", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await comesToTheApp(page, "/recent/1?x=2");
    await isTooOld(visitor, page);
    await page.goto(`${app}/recent/1?x=2`);
    await heading(page, "Confirm that it is you");
    await album.look(page, "confirm-for-app");
    await confirmByPassword(page, ann);
    await page.waitForURL(`${app}/recent/1?x=2`);
    await page.goto(`${portal}/confirm?return_to=${encodeURIComponent(`${app}/recent/1`)}`);
    await heading(page, "Nothing more is asked of you");
    await album.look(page, "nothing-more");
    await page.goto(`${portal}/confirmed?return_to=${encodeURIComponent(`${app}/`)}`);
    await heading(page, "Thank you");
    await album.look(page, "confirmed");
  });

  stage.story("never loses a form in silence", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await comesToTheApp(page, "/edit?page=1");
    await isTooOld(visitor, page);
    await page.setContent(PAGE);
    await button(page, "Send").click();
    await heading(page, "Confirm that it is you");
    await page.getByText("What you sent to app.example.com has not been carried out.").waitFor();
    await album.look(page, "confirm-unsent");
    await confirmByPassword(page, ann);
    await heading(page, "Send it again");
    await album.look(page, "unsent");
    await link(page, "Back to app.example.com").click();
    await page.waitForURL(`${app}/edit?page=1`);
    await page.context().clearCookies();
    await page.setContent(PAGE);
    await button(page, "Send").click();
    await heading(page, "Sign in");
    await page.getByText("What you sent to app.example.com has not been carried out.").waitFor();
    await album.look(page, "sign-in-unsent");
  });
});
