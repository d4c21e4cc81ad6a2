// An organization's webhooks, in a real browser: added, tried, seen to fail, sent again and removed. Their receiver is
// this program.
//
//   node webhooks.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, getsIn, heading, link, passwordField, person } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const ivy = person("Ivy");

// Notes what it is sent, and answers with `status`.
const told = [];
let status = 204;
const receiver = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    told.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(status).end(status === 204 ? undefined : "the queue is full");
  });
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const url = `http://localhost:${receiver.address().port}/hooks/acme`;

describe("a webhook", () => {
  after(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await browser.close();
  });

  stage.story("is added, tried, seen to fail, sent again and removed by an owner", async (arrive) => {
    const page = await (await arrive()).tab();
    await getsIn(page, portal, ivy);
    await page.goto(at("/orgs"));
    await page.getByLabel("Name", { exact: true }).fill("Acme");
    await button(page, "Create the organization").click();
    await heading(page, "Acme");
    await link(page, "Webhooks").click();
    await heading(page, "Webhooks of Acme");
    await album.look(page, "webhooks-none");

    await page.getByLabel("URL").fill("https://10.0.0.1/hooks");
    await page.getByLabel("What it is told").fill("member.joined");
    await button(page, "Add the webhook").click();
    await confirmsInTheDialog(page);
    await page.getByRole("alert").filter({ hasText: "Its host has no public address." }).waitFor();
    assert.match(await page.title(), /^Error: /);
    await album.look(page, "webhooks-wrong");

    await page.getByLabel("URL").fill(url);
    await page.getByLabel("What it is told").fill("member.* group.created");
    await button(page, "Add the webhook").click();
    await heading(page, "The webhook's secret");
    await album.look(page, "webhook-secret");
    const secret = await page.locator("#secret").textContent();
    await link(page, "I have kept it").click();
    await heading(page, "Webhook at localhost");
    await album.look(page, "webhook-new");

    await button(page, "Send a test").click();
    await page.getByRole("status").filter({ hasText: "A test is on its way." }).waitFor();
    await shows(page, "Delivered");
    assert.equal(told.length, 1);
    assert.ok(isSignedBy(secret, told[0]));
    status = 503;
    await button(page, "Send a test").click();
    await shows(page, "It answered 503: the queue is full");
    await album.look(page, "webhook-failing");
    await page.goto(at("/orgs/acme/webhooks"));
    await album.look(page, "webhooks-failing");

    status = 204;
    await link(page, "localhost").click();
    await page.getByRole("button", { name: /^Send again/ }).first().click();
    await page.getByRole("status").filter({ hasText: "It is sent again." }).waitFor();
    await gone(page, "to be tried again");
    assert.equal(told.at(-1).headers["webhook-id"], told[1].headers["webhook-id"]);

    await page.getByText("Turn it off for a while").click();
    await button(page, "Turn it off").click();
    await page.getByText("It was turned off").waitFor();
    await album.look(page, "webhook-off");
    await page.getByText("Remove it", { exact: true }).click();
    await button(page, "Remove the webhook").click();
    await page.getByRole("status").filter({ hasText: "The webhook is removed." }).waitFor();
    await page.getByText("There are no webhooks.").waitFor();
  });
});

// What is sent is sent a moment later, so the page is loaded again until it says so.
async function until(page, isThere, what) {
  const here = page.url().split("?")[0];
  const deadline = Date.now() + 20_000;
  while (!(await isThere())) {
    assert.ok(Date.now() < deadline, what);
    await page.goto(here);
  }
}

const count = (page, words) => page.getByText(words).count();

const shows = (page, words) =>
  until(page, async () => (await count(page, words)) > 0, `the page never said ${words}`);

const gone = (page, words) =>
  until(page, async () => (await count(page, words)) === 0, `the page went on saying ${words}`);

function isSignedBy(secret, { headers, body }) {
  const key = Buffer.from(secret.trim().replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const mac = createHmac("sha256", key).update(signed).update(body).digest("base64");
  return headers["webhook-signature"] === `v1,${mac}`;
}

async function confirmsInTheDialog(page) {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await passwordField(dialog).fill(ivy.password);
  await button(dialog, "Confirm").click();
}
