// A second factor, in a real browser: set up, used to sign in and to confirm, and turned off.
//
//   node factors.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { scan } from "./support/scan.mjs";
import {
  button,
  codeField,
  confirmByPassword,
  enters,
  getsIn,
  heading,
  link,
  openLetter,
  person,
  readsTheSecret,
  signIn,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;

describe("a second factor", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("is set up by scanning, asked for when signing in, and turned off by whoever has it", async (arrive) => {
    const ivy = person("Ivy");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsIn(page, portal, ivy);
    await link(page, "How you prove that it is you").click();
    await heading(page, "Signing in to your account");
    await album.look(page, "security-password-alone");

    await link(page, "Set up an app").click();
    await confirmByPassword(page, ivy);
    await heading(page, "Set up an authenticator app");
    await album.look(page, "totp-begin");
    await button(page, "Show me the code to scan").click();
    await page.getByRole("img", { name: "QR code" }).waitFor();
    await album.look(page, "totp-scan");
    const { phone, otpauthUrl } = await readsTheSecret(page);
    assert.deepEqual(await scan(page.getByRole("img", { name: "QR code" })), [otpauthUrl, otpauthUrl]);
    await album.look(page, "totp-type");
    await enters(page, phone.wrongCode(), "Turn it on");
    await isToldThatTheCodeIsWrong(page);
    assert.equal(visitor.status(page), 422);
    await album.look(page, "totp-wrong-code");
    await enters(page, phone.code(-1), "Turn it on");
    await heading(page, "Your recovery codes");
    await album.look(page, "recovery-codes-shown");
    const codes = await page.getByRole("main").getByRole("listitem").allTextContents();
    assert.equal(codes.length, 10);
    await keepsThem(page, codes);
    await link(page, "I have kept them").click();
    await page.getByText("10 of 10 left").waitFor();
    await album.look(page, "security-with-an-app");

    await signsOut(page);
    await page.goto(at("/account/sessions"));
    await signIn(page, ivy);
    await heading(page, "Enter your code");
    assert.ok(await codeField(page).evaluate((field) => field === document.activeElement));
    await album.look(page, "second-factor");
    await enters(page, phone.wrongCode(), "Sign in");
    await isToldThatTheCodeIsWrong(page);
    assert.equal(visitor.status(page), 401);
    await album.look(page, "second-factor-wrong-code");
    await enters(page, phone.code(), "Sign in");
    await heading(page, "Your devices");

    await page.goto(at("/account/security/totp"));
    await heading(page, "Confirm that it is you");
    await link(page, "Use a code of your app instead").click();
    await album.look(page, "confirm-by-code");
    await enters(page, phone.code(1), "Confirm");
    await heading(page, "Turn off your authenticator app");
    await album.look(page, "totp-turn-off");
    await button(page, "Turn it off").click();
    await page.getByRole("status").filter({ hasText: "The app is turned off" }).waitFor();
    await album.look(page, "security-turned-off");
    await page.goto(at("/dev/inbox"));
    await openLetter(page, ivy.email, "was turned off");
    await album.look(page, "letter-totp-off");
  });

  stage.story("whose code was used is told by a letter, and leads on to new ones", async (arrive) => {
    const kit = person("Kit");
    const page = await (await arrive()).tab();
    await getsIn(page, portal, kit);
    const [code] = await setsUp(page, kit);
    await signsOut(page);
    await page.goto(at("/login?return_to=%2Faccount%2Fsecurity"));
    await signIn(page, kit);
    await heading(page, "Enter your code");
    await link(page, "Use a recovery code").click();
    await heading(page, "Enter a recovery code");
    await album.look(page, "second-factor-recovery-code");
    await button(page, "Use another account").click();
    await signIn(page, kit);
    await heading(page, "Enter your code");
    await link(page, "Use a recovery code").click();
    await enters(page, code, "Sign in");
    await heading(page, "Signing in to your account");
    await link(page, "New codes for recovery").click();
    await confirmByPassword(page, kit);
    await page.getByText("You have 9 left.").waitFor();
    await album.look(page, "recovery-codes-new");
    await page.goto(at("/dev/inbox"));
    await openLetter(page, kit.email, "recovery code was used");
    await album.look(page, "letter-recovery-code-used");
  });

  stage.story("that is lost is replaced by a recovery code, without scripts as well", async (arrive) => {
    const jon = person("Jon");
    const page = await (await arrive({ javaScriptEnabled: false })).tab();
    await getsIn(page, portal, jon);
    const [code] = await setsUp(page, jon);
    await signsOut(page);
    await page.goto(at("/login"));
    await signIn(page, jon);
    await heading(page, "Enter your code");
    await link(page, "Use a recovery code").click();
    await heading(page, "Enter a recovery code");
    await enters(page, code.toLowerCase().replaceAll("-", " "), "Sign in");
    await heading(page, "Hello, Jon");
    await page.goto(at("/dev/inbox"));
    await openLetter(page, jon.email, "recovery code was used");

    await page.goto(at("/account/security/recovery-codes"));
    await confirmByPassword(page, jon);
    await page.getByText("You have 9 left.").waitFor();
    await button(page, "Make new codes").click();
    await heading(page, "Your recovery codes");
    const anew = await page.getByRole("main").getByRole("listitem").allTextContents();
    assert.ok(anew.length === 10 && !anew.includes(code));
  });
});

// The recovery codes that come with it.
async function setsUp(page, who) {
  await page.goto(at("/account/security/totp"));
  await confirmByPassword(page, who);
  await button(page, "Show me the code to scan").click();
  const { phone } = await readsTheSecret(page);
  await enters(page, phone.code(), "Turn it on");
  await heading(page, "Your recovery codes");
  return page.getByRole("main").getByRole("listitem").allTextContents();
}

async function isToldThatTheCodeIsWrong(page) {
  const summary = page.getByRole("alert");
  await summary.filter({ hasText: "This code is not right." }).waitFor();
  assert.match(await page.title(), /^Error: /);
  assert.equal(await summary.evaluate((element) => element === document.activeElement), true);
  assert.equal(await codeField(page).inputValue(), "");
}

// As a file, and on paper, where nothing but the codes is left.
async function keepsThem(page, codes) {
  const coming = page.waitForEvent("download");
  await link(page, "Download as text").click();
  const download = await coming;
  assert.equal(download.suggestedFilename(), "recovery-codes.txt");
  const text = readFileSync(await download.path(), "utf8");
  assert.ok(codes.every((code) => text.includes(code)), text);

  await page.emulateMedia({ media: "print" });
  for (const hidden of [link(page, "I have kept them"), page.getByText("One front door")]) {
    assert.equal(await hidden.isVisible(), false);
  }
  assert.ok(await page.getByText(codes[9]).isVisible());
  await album.photograph(page, "recovery-codes-on-paper");
  await page.emulateMedia({ media: null });
}

async function signsOut(page) {
  await page.goto(at("/"));
  await button(page, "Sign out").click();
  await heading(page, "You are signed out");
}
