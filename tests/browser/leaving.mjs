// Leaving for good, and coming back before it is too late, in a real browser.
//
//   node leaving.mjs PORTAL SHORT PICTURES
//
// SHORT is a second service, where there is next to no time to come back.

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import {
  areThere,
  asAMailProgramShowsIt,
  button,
  followLetter,
  getsIn,
  heading,
  link,
  openLetter,
  passwordField,
  person,
  signIn,
  signUp,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, short, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin, new URL(short).origin] });

const at = (path) => new URL(path, portal).href;

describe("somebody who leaves", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("comes back by signing in, and by the letter", async (arrive) => {
    const rosa = person("Rosa");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsIn(page, portal, rosa);
    await link(page, "Delete your account").click();
    await confirmsByPassword(page, rosa);
    await heading(page, "Delete your account");
    await album.look(page, "delete");
    await button(page, "Delete my account").click();
    await heading(page, "Your account is to be deleted");
    await album.look(page, "leaving");
    await button(page, "Sign out").click();
    await heading(page, "You are signed out");

    await page.goto(at("/login"));
    await signIn(page, rosa);
    await heading(page, "Your account is to be deleted");
    await page.goto(at("/account/sessions"));
    await heading(page, "Your account is to be deleted");
    await button(page, "Keep my account").click();
    await page.getByRole("status").filter({ hasText: "Your account stays" }).waitFor();
    await heading(page, `Hello, ${rosa.name}`);
    await album.look(page, "stays");

    await leaves(page, portal, rosa);
    const reader = await (await arrive()).tab();
    await reader.goto(at("/dev/inbox"));
    await areThere(reader, rosa.email, "will be deleted", 2);
    await openLetter(reader, rosa.email, "will be deleted");
    await asAMailProgramShowsIt(album, visitor, reader, "Your account will be deleted", "letter-deletion-asked");
    await followLetter(reader, "Keep your account");
    await album.look(reader, "keep-by-letter");
    const wayBack = reader.url();
    await button(reader, "Keep my account").click();
    await reader.getByRole("status").filter({ hasText: "Your account stays. Sign in to go on." }).waitFor();
    await reader.goto(wayBack);
    await heading(reader, "This link no longer works");
    await album.look(reader, "keep-gone");
    await page.goto(at("/"));
    await heading(page, `Hello, ${rosa.name}`);
  });

  stage.story("is gone when the time is over, and may come anew", async (arrive) => {
    const otto = person("Otto");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsIn(page, short, otto);
    await leaves(page, short, otto);
    await page.goto(new URL("/dev/inbox", short).href);
    await isErased(page);
    await openLetter(page, otto.email, "is deleted");
    await asAMailProgramShowsIt(album, visitor, page, "Your account is deleted", "letter-account-deleted");
    await page.goto(new URL("/login", short).href);
    await signIn(page, otto);
    await page.getByRole("alert").filter({ hasText: "is not right" }).waitFor();
    assert.equal(visitor.status(page), 401);
    await page.goto(new URL("/signup", short).href);
    await signUp(page, otto);
    await heading(page, "Check your mail");
    await link(page, "Open the local inbox").click();
    await openLetter(page, otto.email, "Confirm");
  });
});

async function leaves(page, where, who) {
  await page.goto(new URL("/account/delete", where).href);
  await confirmsByPassword(page, who);
  await heading(page, "Delete your account");
  await button(page, "Delete my account").click();
  // Where there is no time left, the next page is that for signing in.
  await page.getByRole("heading", { level: 1, name: /^(Your account is to be deleted|Sign in)$/ }).waitFor();
}

// A job does it, which comes by every quarter of a minute.
async function isErased(page) {
  const receipt = page.getByRole("listitem").filter({ hasText: "is deleted" });
  const deadline = Date.now() + 60_000;
  while ((await receipt.count()) === 0) {
    assert.ok(Date.now() < deadline, "nobody was erased");
    await page.waitForTimeout(250);
    await page.reload();
  }
}

// Not where they have confirmed a moment ago.
async function confirmsByPassword(page, who) {
  await page.getByRole("heading", { level: 1, name: /^(Confirm that it is you|Delete your account)$/ }).waitFor();
  if (await page.getByRole("heading", { level: 1, name: "Confirm that it is you" }).isVisible()) {
    await passwordField(page).fill(who.password);
    await button(page, "Confirm").click();
  }
}
