// What a person does, in the words of the pages. Each step ends when the next page is there.

import assert from "node:assert/strict";

import { Authenticator } from "./authenticator.mjs";

const PATIENCE = 20_000;

export const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

export const button = (page, name) => page.getByRole("button", { name, exact: true });

export const link = (page, name) => page.getByRole("link", { name, exact: true });

export const email = (page) => page.getByLabel("Email address");

// Where one is chosen anew it says so.
export const passwordField = (page) => page.getByLabel(/^(New p|P)assword$/);

export const codeField = (page) => page.getByLabel(/^(Code|Recovery code)$/);

export async function signUp(page, person) {
  await heading(page, "Create your account");
  await fillIn(page, person);
  await button(page, "Create account").click();
}

export async function fillIn(page, person) {
  await email(page).fill(person.email);
  await page.getByLabel("Your name").fill(person.name);
  await passwordField(page).fill(person.password);
}

export async function choosePassword(page, secret, way) {
  await passwordField(page).fill(secret);
  await button(page, way).click();
}

export async function signIn(page, person) {
  await heading(page, "Sign in");
  await email(page).fill(person.email);
  await passwordField(page).fill(person.password);
  await button(page, "Sign in").click();
}

// The summary of what went wrong is there, and has the focus so that a screen reader begins with it.
export async function isToldWhatIsWrong(page, sentence) {
  const summary = page.getByRole("alert");
  await summary.filter({ hasText: sentence }).waitFor();
  assert.match(await page.title(), /^Error: /);
  assert.equal(await summary.evaluate((element) => element === document.activeElement), true);
  // Nobody's password is sent back, and the rest need not be typed again.
  assert.equal(await passwordField(page).inputValue(), "");
}

// Letters leave a moment after they were written, so the inbox is looked into until this one is there.
export async function openLetter(page, address, subject = "") {
  await areThere(page, address, subject, 1);
  await letters(page, address, subject).first().getByRole("link").click();
  await page.getByText("Follow the link in this letter").waitFor();
}

// Whoever is written to twice in the same words waits for both before reading the newer one.
export async function areThere(page, address, subject, several) {
  await heading(page, "Local inbox");
  const deadline = Date.now() + PATIENCE;
  while ((await letters(page, address, subject).count()) < several) {
    assert.ok(Date.now() < deadline, `no letter to ${address} came`);
    await page.reload();
  }
}

const letters = (page, address, subject) =>
  page.getByRole("listitem").filter({ hasText: `to ${address} ` }).filter({ hasText: subject });

export async function followLetter(page, to = "Confirm your address") {
  await link(page, "Follow the link in this letter").click();
  await heading(page, to);
}

export async function confirm(page) {
  await button(page, "Confirm address").click();
  await page.getByRole("status").filter({ hasText: "Your address is confirmed" }).waitFor();
}

// The page itself is in a sandbox, where no script of ours can ask the rules; and a letter is read inside of a page.
export async function asAMailProgramShowsIt(album, visitor, letter, title, picture) {
  const page = await visitor.tab();
  const shown = await page.goto(await link(letter, "As a mail program shows it").evaluate((way) => way.href));
  const html = await shown.text();
  await page.goto("about:blank");
  await page.setContent(html);
  await page.evaluate(() => {
    const main = document.createElement("main");
    main.append(...document.body.childNodes);
    document.body.append(main);
  });
  await heading(page, title);
  await album.look(page, picture);
  await page.close();
}

export const person = (name) => ({ name, email: `${name.toLowerCase()}@example.com`, password: "seven quiet herons" });

// With an address that is confirmed.
export async function getsIn(page, portal, who) {
  await page.goto(new URL("/signup", portal).href);
  await signUp(page, who);
  await heading(page, "Check your mail");
  await link(page, "Open the local inbox").click();
  await openLetter(page, who.email);
  await followLetter(page);
  await confirm(page);
  await signIn(page, who);
  await heading(page, `Hello, ${who.name}`);
}

// On the page that asks for it.
export async function confirmByPassword(page, who) {
  await heading(page, "Confirm that it is you");
  await passwordField(page).fill(who.password);
  await button(page, "Confirm").click();
}

// Of the app that is being set up, as somebody without a camera does.
export async function readsTheSecret(page) {
  await page.getByText("It cannot be scanned?").click();
  const shown = page.locator("code.code");
  await shown.waitFor();
  const otpauthUrl = await link(page, "an app on this device").getAttribute("href");
  assert.ok(otpauthUrl.startsWith("otpauth://totp/"), otpauthUrl);
  const secret = await shown.textContent();
  return { phone: new Authenticator(secret), secret, otpauthUrl };
}

export async function enters(page, code, way) {
  await codeField(page).fill(code);
  await button(page, way).click();
}
