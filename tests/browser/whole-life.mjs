// A whole life, in real browsers: from signing up to being gone, and what is left to a friend.
//
//   node whole-life.mjs PORTAL DEMO ACT KEPT PICTURES
//
// ACT is one of
//   lives    she signs up, founds an organization with a friend, asks to be deleted, and comes back
//   leaves   she asks once more; what happens then is for whoever plays this to see to
//   is-gone  nobody knows her, her friend goes on, and somebody new gets her address
// KEPT is a folder in which their browsers keep what they hold from one act to the next.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe } from "node:test";

import { Authenticator } from "./support/authenticator.mjs";
import { KeyStore } from "./support/keys.mjs";
import { Album } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  codeField,
  confirm,
  confirmByPassword,
  enters,
  fillIn,
  heading,
  link,
  openLetter,
  passwordField,
  readsTheSecret,
  signIn,
  signUp,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, demo, act, kept, folder] = process.argv.slice(2);
mkdirSync(kept, { recursive: true });
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [portal, demo].map((url) => new URL(url).origin) });

const at = (path) => new URL(path, portal).href;

// The service's own database is searched for these words afterwards.
const mina = { name: "Wilhelmina Quill", email: "mina@lantern.example", password: "seven quiet herons" };
const felix = { name: "Felix", email: "felix@example.com", password: "nine patient otters" };
const otto = { name: "Otto", email: mina.email, password: "four modest lanterns" };

const LAPTOP = {
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 Hermes/91.7",
  extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.201" },
};
const PHONE = {
  userAgent:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
    "Version/26.0 Mobile/15E148 Safari/604.1 Hermes/92.1",
  extraHTTPHeaders: { "X-Forwarded-For": "198.51.100.202" },
};

const done = (page, words) => page.getByRole("status").filter({ hasText: words }).waitFor();
const isFound = (page) => page.getByRole("heading", { level: 1, name: "The Lantern Club" }).waitFor();

describe(act, () => {
  after(() => browser.close());
  ({ lives, leaves, "is-gone": isGone })[act]();
});

function lives() {
  stage.story("she signs up, founds an organization and invites a friend", async (arrive) => {
    const [page, post] = await arrivesWith(arrive, LAPTOP);
    await page.goto(at("/signup"));
    await signUp(page, mina);
    await heading(page, "Check your mail");
    await page.goto(await mailed(post, mina.email, "Confirm your address"));
    await confirm(page);
    await signIn(page, mina);
    await heading(page, `Hello, ${mina.name}`);
    await album.look(page, "home");

    await link(page, "Your organizations").click();
    await heading(page, "Your organizations");
    await album.look(page, "organizations-none");
    await page.getByLabel("Name", { exact: true }).fill("The Lantern Club");
    await button(page, "Create the organization").click();
    await isFound(page);
    await album.look(page, "organization-founded");
    await page.goto(at("/orgs/the-lantern-club/invitations"));
    await heading(page, "Invitations to The Lantern Club");
    await page.getByLabel("Email address").fill(felix.email);
    await button(page, "Invite").click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    const invited = page.getByRole("listitem").filter({ hasText: felix.email });
    await dialog.or(invited).waitFor();
    if (await dialog.isVisible()) {
      await passwordField(dialog).fill(mina.password);
      await button(dialog, "Confirm").click();
    }
    await invited.waitFor();
    await album.look(page, "invitations-one");
    await keeps(page, "laptop");
  });

  stage.story("her friend signs up straight into it", async (arrive) => {
    const [page, post] = await arrivesWith(arrive);
    await page.goto(await mailed(post, felix.email, "You are invited"));
    await heading(page, "You are invited to The Lantern Club");
    await album.look(page, "invitation");
    await page.getByLabel("Your name").fill(felix.name);
    await passwordField(page).fill(felix.password);
    await button(page, "Create account and join").click();
    await isFound(page);
    await album.look(page, "organization-joined");
    await keeps(page, "felix");
  });

  stage.story("she gets an app, recovery codes and a passkey", async (arrive) => {
    const [page] = await arrivesWith(arrive, LAPTOP, "laptop");
    await page.goto(at("/account/security/totp"));
    await confirmsWhereAsked(page, "Set up an authenticator app");
    await button(page, "Show me the code to scan").click();
    const { phone, secret } = await readsTheSecret(page);
    await enters(page, phone.code(-1), "Turn it on");
    await heading(page, "Your recovery codes");
    const codes = await page.getByRole("main").getByRole("listitem").allTextContents();
    await link(page, "I have kept them").click();
    await page.getByText("10 of 10 left").waitFor();

    await KeyStore.beside(page);
    await link(page, "Add your first passkey").click();
    await page.getByLabel("Name", { exact: true }).fill("Mina's laptop");
    await button(page, "Add a passkey").click();
    await done(page, "The passkey is added.");
    await page.goto(at("/account/security"));
    await heading(page, "Signing in to your account");
    await album.look(page, "security");
    writeFileSync(join(kept, "paper.json"), JSON.stringify({ secret, codes }));
    await keeps(page, "laptop");
  });

  stage.story("a second device signs in, and is signed out from afar", async (arrive) => {
    const [page, post] = await arrivesWith(arrive, LAPTOP, "laptop");
    const [phone] = await arrivesWith(arrive, PHONE);
    await phone.goto(at("/login"));
    await signIn(phone, mina);
    await entersACodeOfTheApp(phone);
    await heading(phone, `Hello, ${mina.name}`);
    await mailed(post, mina.email, "New sign-in");

    await page.goto(at("/account/sessions"));
    await heading(page, "Your devices");
    await page.getByText("198.51.100.202").waitFor();
    await album.look(page, "devices-two");
    await page.getByRole("button", { name: /^Sign out: Safari on iPhone, last seen/ }).click();
    await page.getByText("You are signed in nowhere else.").waitFor();
    await phone.goto(at("/"));
    await heading(phone, "Sign in");
    await album.look(phone, "signed-out-from-afar");

    await page.goto(at("/account/activity"));
    await heading(page, "Your activity");
    await album.look(page, "activity");
    await page.goto(at("/orgs/the-lantern-club/activity"));
    await heading(page, "Activity in The Lantern Club");
    await album.look(page, "activity-of-the-organization");
    await page.goto(at("/orgs/the-lantern-club"));
    await isFound(page);
    await album.look(page, "organization-of-two");
  });

  stage.story("she asks to be deleted, and is told what will happen", async (arrive) => {
    const [page, post, visitor] = await arrivesWith(arrive, LAPTOP, "laptop");
    await page.goto(at("/"));
    await link(page, "Delete your account").click();
    await confirmsWhereAsked(page, "Delete your account");
    await album.look(page, "delete");
    await button(page, "Delete my account").click();
    await heading(page, "Your account is to be deleted");
    await album.look(page, "restore");
    await page.goto(demo);
    await heading(page, "Your account is to be deleted");
    assert.equal(visitor.status(page), 403);
    await album.look(page, "app-refused");
    await page.goto(at("/orgs/the-lantern-club"));
    await heading(page, "Your account is to be deleted");
    await button(page, "Sign out").click();
    await heading(page, "You are signed out");

    const wayBack = await mailed(post, mina.email, "will be deleted");
    await album.look(post, "letter-deletion-asked");
    await asAMailProgramShowsIt(album, { tab: () => post.context().newPage() }, post, /deleted/, "letter-deletion-asked-html");
    await page.goto(wayBack);
    await heading(page, "Keep your account");
    await album.look(page, "restore-by-letter");
    writeFileSync(join(kept, "way-back"), wayBack);
    await mailed(post, felix.email, "about to pass to you");
    await album.look(post, "letter-to-the-heir");
    await keeps(page, "laptop");
  });

  stage.story("she signs in meanwhile, and stays after all", async (arrive) => {
    const [page, post] = await arrivesWith(arrive, LAPTOP, "laptop");
    await page.goto(at("/login"));
    await signIn(page, mina);
    await heading(page, "Enter your code");
    await link(page, "Use a recovery code").click();
    await heading(page, "Enter a recovery code");
    await enters(page, paper().codes[0], "Sign in");
    await heading(page, "Your account is to be deleted");
    await button(page, "Keep my account").click();
    await done(page, "Your account stays");
    await album.look(page, "home-restored");
    await mailed(post, mina.email, "stays");
    await album.look(post, "letter-restored");
    await page.goto(at("/orgs/the-lantern-club"));
    await page.getByText("You are an owner of it").waitFor();
    await keeps(page, "laptop");
  });
}

function leaves() {
  stage.story("she asks once more", async (arrive) => {
    const [page] = await arrivesWith(arrive, LAPTOP, "laptop");
    await page.goto(at("/account/delete"));
    await confirmsWhereAsked(page, "Delete your account");
    await button(page, "Delete my account").click();
    // She may be gone before she has looked, and before the letter has left.
    await page.getByRole("heading", { level: 1, name: /^(Your account is to be deleted|Sign in)$/ }).waitFor();
    await keeps(page, "laptop");
  });
}

function isGone() {
  stage.story("nobody knows her", async (arrive) => {
    const [page, post, visitor] = await arrivesWith(arrive, LAPTOP, "laptop");
    await page.goto(at("/account/activity"));
    await signIn(page, mina);
    await page.getByRole("alert").filter({ hasText: "is not right" }).waitFor();
    assert.equal(visitor.status(page), 401);
    await album.look(page, "login-of-nobody");
    await page.goto(readFileSync(join(kept, "way-back"), "utf8"));
    await heading(page, "This link no longer works");
    assert.equal(visitor.status(page), 410);
    await album.look(page, "restore-too-late");
    await post.goto(at("/dev/inbox"));
    await post.getByRole("listitem").filter({ hasText: "is deleted" }).first().getByRole("link").click();
    await heading(post, /is deleted/);
    await album.look(post, "letter-deleted");
  });

  stage.story("her friend goes on with what they had together", async (arrive) => {
    const [page, post] = await arrivesWith(arrive, {}, "felix");
    await page.goto(at("/orgs"));
    await page.getByText("you are an owner").waitFor();
    await page.goto(at("/orgs/the-lantern-club"));
    await isFound(page);
    assert.equal(await page.getByText(mina.name).count(), 0);
    await album.look(page, "organization-inherited");
    await page.goto(at("/orgs/the-lantern-club/activity"));
    await heading(page, "Activity in The Lantern Club");
    assert.equal(await page.getByText(mina.name).count(), 0);
    await album.look(page, "activity-without-her");
    await mailed(post, felix.email, "role in The Lantern Club");
    await album.look(post, "letter-of-the-inheritance");
  });

  stage.story("somebody new gets the address, and nothing else of hers", async (arrive) => {
    const [page, post] = await arrivesWith(arrive);
    const before = await mailed(post, otto.email, "Confirm your address");
    await page.goto(at("/signup"));
    await heading(page, "Create your account");
    await fillIn(page, otto);
    await button(page, "Create account").click();
    await heading(page, "Check your mail");
    await page.goto(await mailed(post, otto.email, "Confirm your address", before));
    await confirm(page);
    await signIn(page, otto);
    await heading(page, "Hello, Otto");
    await page.goto(at("/orgs"));
    await page.getByText("You belong to none.").waitFor();
    await page.goto(at("/account/security"));
    await page.getByText("Your password alone opens your account.").waitFor();
  });
}

// Somebody with a browser that is new, or holds what it held when it was kept under this name; and with letters, which
// are read on the machine of the service alone.
async function arrivesWith(arrive, device = {}, name = null) {
  const held = name ? { storageState: join(kept, `${name}.json`) } : {};
  const visitor = await arrive({ ...device, ...held });
  return [await visitor.tab(), await (await arrive()).tab(), visitor];
}

// A confirmation from a moment ago may still count.
async function confirmsWhereAsked(page, wanted) {
  await heading(page, new RegExp(`^(Confirm that it is you|${wanted})$`));
  if (new URL(page.url()).pathname === "/confirm") {
    await confirmByPassword(page, mina);
  }
  await heading(page, wanted);
}

function keeps(page, name) {
  return page.context().storageState({ path: join(kept, `${name}.json`) });
}

function paper() {
  return JSON.parse(readFileSync(join(kept, "paper.json"), "utf8"));
}

// Where the link in the last letter of this subject leads, as soon as that is not the one from before.
async function mailed(post, address, subject, before = null) {
  for (;;) {
    await post.goto(at("/dev/inbox"));
    await openLetter(post, address, subject);
    const way = await link(post, "Follow the link in this letter").evaluate((shown) => shown.href);
    if (way !== before) {
      return way;
    }
  }
}

// The step that was good for turning the app on is used up.
async function entersACodeOfTheApp(page) {
  await heading(page, "Enter your code");
  await codeField(page).waitFor();
  await enters(page, new Authenticator(paper().secret).code(), "Sign in");
}
