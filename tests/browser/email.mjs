// Another address, and the way back from it, in a real browser.
//
//   node email.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  choosePassword,
  confirm,
  followLetter,
  heading,
  isToldWhatIsWrong,
  link,
  openLetter,
  passwordField,
  person,
  signIn,
  signUp,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const field = (page) => page.getByLabel("New email address");

describe("an address", { concurrency: 2 }, () => {
  after(() => browser.close());

  stage.story("is changed, confirmed, and shown as it stands", async (arrive) => {
    const [olive, pete] = [person("Olive"), person("Pete")];
    await getsIn(await (await arrive()).tab(), pete);
    const visitor = await arrive();
    const page = await visitor.tab();
    await getsIn(page, olive);
    await link(page, "Change your email address").click();
    await confirmsByPassword(page, olive);
    await heading(page, "Your email address");
    await album.look(page, "address-confirmed");
    await field(page).fill(pete.email);
    await button(page, "Change address").click();
    await page.getByRole("alert").filter({ hasText: "belongs to an account already" }).waitFor();
    assert.equal(visitor.status(page), 409);
    await album.look(page, "address-taken");
    await field(page).fill("olive@new.example");
    await button(page, "Change address").click();
    await page.getByRole("status").filter({ hasText: "Your address is changed." }).waitFor();
    await page.getByText("The address from before can be had back until").waitFor();
    await album.look(page, "address-waits");

    const elsewhere = await (await arrive()).tab();
    await elsewhere.goto(at("/dev/inbox"));
    await openLetter(elsewhere, "olive@new.example");
    await followLetter(elsewhere, "Sign in to confirm your address");
    await album.look(elsewhere, "address-sign-in-first");
    await link(elsewhere, "Sign in").click();
    await signIn(elsewhere, { ...olive, email: "olive@new.example" });
    await heading(elsewhere, "Confirm your address");
    await confirm(elsewhere);
    await page.goto(at("/"));
    await page.getByText("olive@new.example confirmed").waitFor();
  });

  stage.story("that somebody else has changed comes back by the letter", async (arrive) => {
    const quinn = person("Quinn");
    const owner = await arrive();
    const page = await owner.tab();
    await getsIn(page, quinn);
    const thief = await (await arrive()).tab();
    await thief.goto(at("/login"));
    await signIn(thief, quinn);
    await heading(thief, `Hello, ${quinn.name}`);
    await thief.goto(at("/account/email"));
    await confirmsByPassword(thief, quinn);
    await field(thief).fill("thief@example.com");
    await button(thief, "Change address").click();
    await thief.getByRole("status").filter({ hasText: "Your address is changed." }).waitFor();

    await page.goto(at("/dev/inbox"));
    await openLetter(page, quinn.email, "was changed");
    await asAMailProgramShowsIt(album, owner, page, "Your address was changed", "letter-address-changed");
    await followLetter(page, "Take your address back");
    await album.look(page, "address-take-back");
    const wayBack = page.url();
    await button(page, `Bring ${quinn.email} back`).click();
    await heading(page, "Choose a new password");
    await page.getByRole("status").filter({ hasText: "Only the password is missing" }).waitFor();
    await album.look(page, "address-back-choose-password");
    await choosePassword(page, "password1", "Change password");
    await isToldWhatIsWrong(page, "is one of the first that anybody would try");
    await choosePassword(page, "nine patient otters", "Change password");
    await page.getByRole("status").filter({ hasText: "Your password is changed." }).waitFor();
    await signIn(page, { ...quinn, password: "nine patient otters" });
    await heading(page, `Hello, ${quinn.name}`);
    await page.getByText(`${quinn.email} confirmed`).waitFor();

    await page.goto(wayBack);
    await heading(page, "This link no longer works");
    assert.equal(owner.status(page), 410);
    await album.look(page, "address-way-back-gone");
    await page.goto(at("/dev/inbox"));
    await openLetter(page, quinn.email, "is back");
    await asAMailProgramShowsIt(album, owner, page, "Your address is back", "letter-address-back");
    await thief.goto(at("/"));
    await thief.getByText("was changed back to an earlier one").waitFor();
    await album.look(thief, "sign-in-address-came-back");
  });
});

async function getsIn(page, who) {
  await page.goto(at("/signup"));
  await signUp(page, who);
  await heading(page, "Check your mail");
  await page.goto(at("/dev/inbox"));
  await openLetter(page, who.email);
  await followLetter(page);
  await button(page, "Confirm address").click();
  await heading(page, "Sign in");
  await signIn(page, who);
  await heading(page, `Hello, ${who.name}`);
}

async function confirmsByPassword(page, who) {
  await heading(page, "Confirm that it is you");
  await passwordField(page).fill(who.password);
  await button(page, "Confirm").click();
}
