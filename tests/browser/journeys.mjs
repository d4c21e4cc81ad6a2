// The long journeys in a real browser, against a service as `make run` starts it, with nobody in it yet.
//
//   node journeys.mjs PORTAL DEMO SETUP PICTURES
//
// PORTAL and DEMO are the addresses of the service and of the app behind its gate, SETUP is the link that the
// service has shown; pictures of every page go into the folder PICTURES.

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album, violations } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  choosePassword,
  confirm,
  email,
  fillIn,
  followLetter,
  heading,
  isToldWhatIsWrong,
  link,
  openLetter,
  passwordField,
  signIn,
  signUp,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, demo, setup, folder] = process.argv.slice(2);
// Not the app's first page, to see that people come back to where they were.
const wanted = new URL("/reports?of=2026", demo).href;
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [portal, demo].map((url) => new URL(url).origin) });
const app = new URL(demo).host;

const at = (path) => new URL(path, portal).href;

const DEVICES = {
  laptop: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  phone:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
    "Version/26.0 Mobile/15E148 Safari/604.1",
  old: "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
  unknown: "A browser of the house",
};

const person = (name) => ({ name, email: `${name.toLowerCase()}@example.com`, password: "seven quiet herons" });

describe("the front door", () => {
  after(() => browser.close());

  stage.story("an inbox without letters says what will be there", async (arrive) => {
    const page = await (await arrive()).tab();
    await page.goto(at("/dev/inbox"));
    await page.getByText("No letters yet").waitFor();
    await album.look(page, "inbox-empty");
  });

  stage.story("whoever started the service becomes its administrator, by a link that works once", async (arrive) => {
    const ada = person("Ada");
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(setup);
    await heading(page, "Set up Vestibule");
    await album.look(page, "setup");
    await fillIn(page, ada);
    await button(page, "Create administrator").click();
    await heading(page, "Hello, Ada");
    await page.getByRole("status").filter({ hasText: "You are the administrator" }).waitFor();
    await album.look(page, "home-set-up");
    await page.goto(setup);
    await heading(page, "This link no longer works");
    assert.equal(visitor.status(page), 410);
    await album.look(page, "setup-again");
  });

  describe("opens to those who may come in", { concurrency: 2 }, people);
});

function people() {
  stage.story("somebody comes from an app, signs up, proves the address, and is let in", async (arrive) => {
    const ann = person("Ann");
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(wanted);
    await heading(page, "Sign in");
    assert.equal(new URL(page.url()).origin, new URL(portal).origin);
    await page.getByText(`to continue to ${app}`).waitFor();
    await album.look(page, "login-from-an-app");

    await link(page, "Create an account").click();
    await heading(page, "Create your account");
    await album.look(page, "signup");
    await revealsThePassword(page);
    await signUp(page, { ...ann, password: "password1" });
    await isToldWhatIsWrong(page, "is one of the first that anybody would try");
    assert.equal(visitor.status(page), 422);
    assert.equal(await page.getByLabel("Email address").inputValue(), ann.email);
    await album.look(page, "signup-weak-password");

    await choosePassword(page, ann.password, "Create account");
    await heading(page, "Check your mail");
    await album.look(page, "check-mail");
    await link(page, "Open the local inbox").click();
    await heading(page, "Local inbox");
    await page.goBack({ waitUntil: "commit" });
    await heading(page, "Check your mail");
    await page.getByText(ann.email).waitFor();
    await page.goForward({ waitUntil: "commit" });
    await openLetter(page, ann.email);
    await album.look(page, "letter");
    await asAMailProgramShowsIt(album, visitor, page, "Confirm your address", "letter-html");
    await followLetter(page);
    const mailed = page.url();
    await album.look(page, "verify-email");
    await confirm(page);
    await page.getByText(`to continue to ${app}`).waitFor();
    await album.look(page, "login-confirmed");

    await signIn(page, { ...ann, password: "eight loud herons" });
    await isToldWhatIsWrong(page, "is not right");
    assert.equal(visitor.status(page), 401);
    await album.look(page, "login-wrong-password");
    await signIn(page, ann);
    await isInTheApp(page, ann);
    await album.look(page, "app");

    await page.goto(mailed);
    await heading(page, "This link no longer works");
    assert.equal(visitor.status(page), 410);
    await album.look(page, "verify-email-again");
  });

  stage.story("every tab is signed in, and after signing out none is, nor is anything left to go back to", async (arrive) => {
    const bea = person("Bea");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsAnAccount(page, bea);
    await page.goto(wanted);
    await signIn(page, bea);
    await isInTheApp(page, bea);

    const other = await visitor.tab();
    await other.goto(wanted);
    await isInTheApp(other, bea);
    await page.goto(at("/"));
    await heading(page, "Hello, Bea");
    await album.look(page, "home");
    await page.getByText("Change your name").click();
    await page.getByLabel("Your name").fill("Bea Elk");
    await button(page, "Save name").click();
    await heading(page, "Hello, Bea Elk");
    await album.look(page, "home-renamed");
    await link(page, app).click();
    await isInTheApp(page, bea, new URL(demo).href);
    await isAskedWhetherToGoOn(page, bea);

    await page.goto(at("/"));
    await button(page, "Sign out").click();
    await heading(page, "You are signed out");
    await album.look(page, "logged-out");
    await other.reload();
    await heading(other, "Sign in");
    await page.goBack({ waitUntil: "commit" });
    await heading(page, "Sign in");
    assert.ok(!(await page.content()).includes(bea.email));
  });

  stage.story("without scripts the way is the same", async (arrive) => {
    const cid = person("Cid");
    const page = await (await arrive({ javaScriptEnabled: false })).tab();
    await page.goto(wanted);
    await link(page, "Create an account").click();
    await signUp(page, cid);
    await heading(page, "Check your mail");
    await link(page, "Open the local inbox").click();
    await openLetter(page, cid.email);
    await followLetter(page);
    await confirm(page);
    await signIn(page, cid);
    await isInTheApp(page, cid);
    await link(page, "Your account").click();
    await heading(page, "Hello, Cid");
    await button(page, "Sign out").click();
    await heading(page, "You are signed out");
    await page.goto(wanted);
    await heading(page, "Sign in");
  });

  stage.story("a link opened in another browser proves the address, not whose password it is", async (arrive) => {
    const eve = person("Eve");
    const visitor = await arrive();
    const hers = await visitor.tab();
    await hers.goto(at("/signup"));
    await signUp(hers, eve);
    await heading(hers, "Check your mail");
    await hers.goto(at("/login"));
    await signIn(hers, eve);
    await heading(hers, "Hello, Eve");
    await album.look(hers, "home-unconfirmed");
    await hers.goto(wanted);
    await heading(hers, "Your address is not confirmed");
    assert.equal(visitor.status(hers), 403);
    await album.look(hers, "app-refused");

    const owner = await (await arrive()).tab();
    await owner.goto(at("/dev/inbox"));
    await album.look(owner, "inbox");
    await openLetter(owner, eve.email);
    await followLetter(owner);
    await album.look(owner, "verify-email-elsewhere");
    await choosePassword(owner, "password1", "Confirm address");
    await isToldWhatIsWrong(owner, "is one of the first that anybody would try");
    await album.look(owner, "verify-email-elsewhere-weak-password");
    const own = { ...eve, password: "nine patient otters" };
    await choosePassword(owner, own.password, "Confirm address");
    await signIn(owner, own);
    await heading(owner, /^Hello/);

    await hers.goto(at("/"));
    await signIn(hers, eve);
    await isToldWhatIsWrong(hers, "is not right");
  });

  stage.story("who has forgotten the password chooses a new one by a letter, and gets to the app all the same", async (arrive) => {
    const fay = person("Fay");
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsAnAccount(page, fay);
    await page.goto(wanted);
    await heading(page, "Sign in");
    await email(page).fill(fay.email);
    await button(page, "Forgot your password?").click();
    await heading(page, "Forgot your password?");
    assert.equal(await email(page).inputValue(), fay.email);
    await album.look(page, "forgot-password");
    await button(page, "Send me a link").click();
    await page.getByText(`If there is an account for ${fay.email}`).waitFor();
    await album.look(page, "forgot-password-sent");
    await link(page, "Open the local inbox").click();
    await openLetter(page, fay.email, "Choose a new password");
    await asAMailProgramShowsIt(album, visitor, page, "Choose a new password", "letter-reset-password");
    await followLetter(page, "Choose a new password");
    const mailed = page.url();
    await album.look(page, "reset-password");
    await choosePassword(page, "password1", "Change password");
    await isToldWhatIsWrong(page, "is one of the first that anybody would try");
    await album.look(page, "reset-password-weak");

    const anew = { ...fay, password: "nine patient otters" };
    await choosePassword(page, anew.password, "Change password");
    await page.getByRole("status").filter({ hasText: "Your password is changed" }).waitFor();
    await album.look(page, "login-after-reset");
    await signIn(page, fay);
    await isToldWhatIsWrong(page, "is not right");
    await signIn(page, anew);
    await isInTheApp(page, anew);
    await page.goto(mailed);
    await heading(page, "This link no longer works");
    assert.equal(visitor.status(page), 410);
    await album.look(page, "reset-password-again");

    await page.goto(at("/dev/inbox"));
    await openLetter(page, fay.email, "was changed");
    await asAMailProgramShowsIt(album, visitor, page, "Your password was changed", "letter-password-changed");
    await link(page, "Follow the link in this letter").click();
    await heading(page, "Forgot your password?");
    assert.equal(await email(page).inputValue(), fay.email);
  });

  stage.story("somebody with several devices sees them all, and signs out those that are not theirs", async (arrive) => {
    const gus = person("Gus");
    const page = await (await arrive({ userAgent: DEVICES.laptop })).tab();
    await getsAnAccount(page, gus);
    await signIn(page, gus);
    await heading(page, "Hello, Gus");
    await link(page, "Your devices").click();
    await heading(page, "Your devices");
    await page.getByText("You are signed in nowhere else").waitFor();
    await album.look(page, "devices-one");

    const phone = await (await arrive({ userAgent: DEVICES.phone })).tab();
    await phone.goto(at("/login"));
    await phone.getByLabel("Keep me signed in on this device").check();
    await signIn(phone, gus);
    await heading(phone, "Hello, Gus");
    const others = await Promise.all([DEVICES.old, DEVICES.unknown].map(async (userAgent) => {
      const other = await (await arrive({ userAgent })).tab();
      await other.goto(wanted);
      await signIn(other, gus);
      await isInTheApp(other, gus);
      return other;
    }));
    await page.reload();
    assert.equal(await page.getByRole("listitem").count(), 4);
    await album.look(page, "devices");

    await button(page, "Sign out: Safari on iPhone, last seen just now").click();
    await page.getByRole("status").filter({ hasText: "That device is signed out" }).waitFor();
    assert.equal(await page.getByRole("listitem").count(), 3);
    await album.look(page, "devices-signed-out-one");
    await phone.reload();
    await heading(phone, "Sign in");
    await phone.getByRole("status").filter({ hasText: "You were signed out on this device from somewhere else" }).waitFor();
    await album.look(phone, "login-signed-out-elsewhere");

    await button(page, "Sign out all other devices").click();
    await page.getByRole("status").filter({ hasText: "All other devices are signed out" }).waitFor();
    for (const other of others) {
      await other.reload();
      await heading(other, "Sign in");
    }
    await button(page, "Sign out: Firefox on Linux, this device").click();
    await heading(page, "You are signed out");
  });

  stage.story("somebody signs in from where the owner never was, and the letter puts an end to it", async (arrive) => {
    const hal = person("Hal");
    const visitor = await arrive({ userAgent: DEVICES.laptop });
    const page = await visitor.tab();
    await getsAnAccount(page, hal);
    await signIn(page, hal);
    await heading(page, "Hello, Hal");
    const elsewhere = "198.51.100.7";
    const headers = { "X-Forwarded-For": elsewhere };
    const stranger = await (await arrive({ userAgent: DEVICES.phone, extraHTTPHeaders: headers })).tab();
    await stranger.goto(at("/login"));
    await signIn(stranger, hal);
    await heading(stranger, "Hello, Hal");

    await page.goto(at("/dev/inbox"));
    await openLetter(page, hal.email, "New sign-in");
    await asAMailProgramShowsIt(album, visitor, page, "New sign-in to your account", "letter-new-place");
    await followLetter(page, "Was this not you?");
    await page.getByText(elsewhere).waitFor();
    await album.look(page, "not-me");
    await button(page, "Sign that browser out").click();
    await heading(page, "That browser is signed out");
    await album.look(page, "not-me-done");
    await stranger.reload();
    await heading(stranger, "Sign in");
    await page.goto(at("/"));
    await heading(page, "Hello, Hal");

    await page.goBack({ waitUntil: "commit" });
    await button(page, "Send me the link").click();
    await page.getByText(`If there is an account for ${hal.email}`).waitFor();
    await page.goto(at("/not-me?token=none"));
    await heading(page, "This link is too old");
    assert.equal(visitor.status(page), 410);
    await album.look(page, "not-me-too-old");
  });

  stage.story("who guesses has to wait, and is told how long", async (arrive) => {
    const page = await (await arrive()).tab();
    const dan = person("Dan");
    await page.goto(at("/login"));
    for (let guess = 0; guess < 5; guess += 1) {
      await signIn(page, dan);
      await isToldWhatIsWrong(page, "is not right");
    }
    await signIn(page, dan);
    await isToldWhatIsWrong(page, "Try again in");
    await album.look(page, "login-too-many-attempts");
  });

  stage.story("what is not there is a page too", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(at("/no/such/page"));
    await heading(page, "Not found");
    assert.equal(visitor.status(page), 404);
    await album.look(page, "not-found");
  });

  stage.story("whoever watches here does see what is wrong", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(at("/login"));
    assert.deepEqual(await violations(page), []);
    await page.evaluate(() => {
      document.querySelector("label").remove();
      document.body.setAttribute("style", "color: red");
      document.body.append(Object.assign(document.createElement("img"), { src: "/static/nothing.png", alt: "" }));
      setTimeout(() => {
        throw new Error("thrown");
      });
    });
    assert.match((await violations(page)).join(), /^label/);
    await page.goto("data:text/html,<h1>Elsewhere</h1><img src=http://127.0.0.1:9/>");
    await heading(page, "Elsewhere");
    const seen = visitor.complaints.splice(0).join("\n");
    for (const complaint of ["Content Security Policy", "404 for", "thrown", "a request to http://127.0.0.1:9/"]) {
      assert.ok(seen.includes(complaint), `${complaint} is missing in ${seen}`);
    }
  });
}

async function getsAnAccount(page, who) {
  await page.goto(at("/signup"));
  await signUp(page, who);
  await heading(page, "Check your mail");
  await link(page, "Open the local inbox").click();
  await openLetter(page, who.email);
  await followLetter(page);
  await confirm(page);
}

async function revealsThePassword(page) {
  const field = passwordField(page);
  await field.fill("for everybody to see");
  const show = button(page, "Show password");
  await show.click();
  assert.equal(await field.getAttribute("type"), "text");
  assert.equal(await show.getAttribute("aria-pressed"), "true");
  await show.click();
  assert.equal(await field.getAttribute("type"), "password");
}

async function isInTheApp(page, { email }, url = wanted) {
  await heading(page, "You are in");
  assert.equal(page.url(), url);
  await page.getByRole("definition").filter({ hasText: email }).waitFor();
}

// Somebody who is signed in already, sent here by an app that does not know it yet.
async function isAskedWhetherToGoOn(page, who) {
  await page.goto(at(`/login?return_to=${encodeURIComponent(wanted)}`));
  await heading(page, "You are signed in");
  await page.getByText(`as ${who.email}`).waitFor();
  await album.look(page, "login-signed-in");
  // The page between a form and another origin goes on by itself, so for a look the way is held.
  const stay = (route) => route.fulfill({ status: 204 });
  await page.route(wanted, stay);
  await button(page, `Continue to ${app}`).click();
  const on = link(page, `Continue to ${app}`);
  await on.waitFor();
  await album.look(page, "login-continue");
  await page.unroute(wanted, stay);
  await on.click();
  await isInTheApp(page, who);
}
