// Signing in by a mailed link, in a real browser: where it was asked for, and elsewhere.
//
//   node magic-link.mjs PORTAL DEMO PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  confirm,
  email,
  followLetter,
  heading,
  link,
  openLetter,
  person,
  signUp,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, demo, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [portal, demo].map((url) => new URL(url).origin) });

const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
  "Version/26.0 Mobile/15E148 Safari/604.1";
const ASK = "Email me a link to sign in";

const at = (path) => new URL(path, portal).href;
const codeField = (page) => page.getByLabel("Code", { exact: true });

describe("a mailed link", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("signs in the browser that asked, and nobody twice", async (arrive) => {
    const amy = person("Amy");
    await exists(arrive, amy);
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(new URL("/reports?of=2026", demo).href);
    await heading(page, "Sign in");
    await button(page, ASK).click();
    await page.getByRole("alert").waitFor();
    assert.equal(visitor.status(page), 422);
    await album.look(page, "asked-without-an-address");
    await email(page).fill(amy.email);
    await page.getByLabel("Keep me signed in").check();
    await button(page, ASK).click();
    await heading(page, "Check your mail");
    assert.ok(!page.url().includes("@") && !page.url().includes("%40"), page.url());
    await album.look(page, "check-your-mail");

    await link(page, "local inbox").click();
    await openLetter(page, amy.email, "Sign in");
    await album.look(page, "letter");
    await asAMailProgramShowsIt(album, visitor, page, "Sign in", "letter-as-shown");
    await followLetter(page, "Sign in");
    const address = page.url();
    await album.look(page, "sign-in-here");
    await button(page, "Sign in").click();
    await page.waitForURL(new URL("/reports?of=2026", demo).href);

    await page.goto(address);
    await heading(page, "This link no longer works");
    assert.equal(visitor.status(page), 410);
    await album.look(page, "gone");
    await page.goto(at("/account/sessions"));
    await page.getByText("a mailed link").waitFor();
  });

  stage.story("shows a code on another device, for the browser that asked, without scripts as well", async (arrive) => {
    const ben = person("Ben");
    await exists(arrive, ben);
    const desk = await arrive({ javaScriptEnabled: false });
    const page = await desk.tab();
    await page.goto(at("/login?return_to=%2Faccount%2Fsessions"));
    await email(page).fill(ben.email);
    await button(page, ASK).click();
    await heading(page, "Check your mail");

    const phone = await (await arrive({ userAgent: PHONE })).tab();
    await phone.goto(at("/dev/inbox"));
    await openLetter(phone, ben.email, "Sign in");
    await followLetter(phone, "Did you ask for this?");
    await album.look(phone, "did-you-ask");
    await button(phone, "It was me, show the code").click();
    await heading(phone, "Your code");
    await album.look(phone, "code");
    const code = await phone.locator("code").textContent();
    assert.match(code, /^\d{3} \d{3}$/);

    await codeField(page).fill(code.startsWith("0") ? "999999" : "000000");
    await button(page, "Sign in").click();
    await page.getByRole("alert").filter({ hasText: "This code is not right." }).waitFor();
    assert.equal(desk.status(page), 401);
    await codeField(page).fill(code);
    await button(page, "Sign in").click();
    await heading(page, "Your devices");
    await phone.goto(at("/"));
    await heading(phone, "Sign in");
  });

  stage.story("asks again after too many wrong codes", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(at("/login"));
    await email(page).fill("nobody@example.com");
    await button(page, ASK).click();
    await heading(page, "Check your mail");
    assert.ok(await codeField(page).evaluate((field) => field === document.activeElement));
    for (let tries = 0; tries < 5; tries += 1) {
      await codeField(page).fill("123456");
      await Promise.all([page.waitForEvent("load"), button(page, "Sign in").click()]);
      if (tries === 0) {
        await album.look(page, "wrong-code");
      }
    }
    await page.getByRole("status").filter({ hasText: "Ask for another link" }).waitFor();
    await album.look(page, "asked-too-often");
  });
});

// Somebody who has signed up and proved the address, in a browser that is closed again.
async function exists(arrive, who) {
  const page = await (await arrive()).tab();
  await page.goto(at("/signup"));
  await signUp(page, who);
  await heading(page, "Check your mail");
  await link(page, "Open the local inbox").click();
  await openLetter(page, who.email);
  await followLetter(page);
  await confirm(page);
}
