// API keys, in a real browser: made, copied, used by a program and revoked.
//
//   node api-keys.mjs PORTAL DEMO PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  confirm,
  followLetter,
  heading,
  link,
  openLetter,
  passwordField,
  signIn,
  signUp,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, demo, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const lou = { name: "Lou", email: "lou@example.com", password: "seven quiet herons" };

describe("an API key", () => {
  after(() => browser.close());

  stage.story("is made by whoever has confirmed that it is them, used by a program, and revoked", async (arrive) => {
    const visitor = await arrive({ permissions: ["clipboard-read", "clipboard-write"] });
    const page = await visitor.tab();
    await page.goto(at("/signup"));
    await signUp(page, lou);
    await signsInUnverified(visitor);
    await link(page, "Open the local inbox").click();
    await openLetter(page, lou.email);
    await followLetter(page);
    await confirm(page);
    await page.goto(at("/login"));
    await signIn(page, lou);
    await heading(page, "Hello, Lou");

    await link(page, "API keys").click();
    await heading(page, "Your API keys");
    await album.look(page, "api-keys-none");
    await page.getByLabel("Name", { exact: true }).fill("   ");
    await page.getByLabel("Apps that take keys").uncheck();
    await makesIt(page);
    await confirmsInTheDialog(page);
    const summary = page.getByRole("alert");
    await summary.filter({ hasText: "Give it a name." }).waitFor();
    assert.match(await page.title(), /^Error: /);
    await album.look(page, "api-keys-wrong");

    await page.getByLabel("Name", { exact: true }).fill("Nightly backup");
    await page.getByLabel("Apps that take keys").check();
    await page.getByLabel("Looking at your account").check();
    await page.getByLabel("It lasts").selectOption("30 days");
    await makesIt(page);
    await heading(page, "Your new API key");
    await page.getByText("How do I use it?").click();
    await button(page, "Copy").click();
    await page.getByText("Copied.").waitFor();
    await album.look(page, "api-key-shown");
    const key = await page.locator("#key").textContent();
    assert.match(key, /^vst_[\w-]{64}$/);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
    assert.deepEqual(await asks(key), { portal: 200, app: 200 });

    await link(page, "I have kept it").click();
    await page.getByText("Last used just now").waitFor();
    await album.look(page, "api-keys-one");
    assert.ok(!(await page.content()).includes(key.slice(8)));
    await page.getByRole("main").getByText("Revoke", { exact: true }).click();
    await album.look(page, "api-keys-revoke");
    await button(page, "Revoke “Nightly backup”").click();
    await page.getByRole("status").filter({ hasText: "That key is revoked." }).waitFor();
    assert.deepEqual(await asks(key), { portal: 401, app: 401 });

    await page.goto(at("/dev/inbox"));
    await openLetter(page, lou.email, "An API key was made");
    await asAMailProgramShowsIt(album, visitor, page, "You have a new API key", "letter-api-key");
  });
});

async function signsInUnverified(visitor) {
  const page = await visitor.tab();
  await page.goto(at("/login"));
  await signIn(page, lou);
  await heading(page, "Hello, Lou");
  await page.goto(at("/account/api-keys"));
  await page.getByText("Confirm your email address first").waitFor();
  await album.look(page, "api-keys-unverified");
  await page.goto(at("/"));
  await button(page, "Sign out").click();
  await heading(page, "You are signed out");
  await page.close();
}

const makesIt = (page) => button(page, "Make the key").click();

async function confirmsInTheDialog(page) {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await passwordField(dialog).fill(lou.password);
  await button(dialog, "Confirm").click();
}

// What a program gets with this key and nothing else, here and from the app behind the gate.
async function asks(key) {
  const headers = { Authorization: `Bearer ${key}` };
  const [me, app] = await Promise.all([at("/me"), demo].map((url) => fetch(url, { headers, redirect: "manual" })));
  return { portal: me.status, app: app.status };
}
