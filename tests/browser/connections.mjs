// An owner connects a real identity provider by the pages alone, tries it out, and makes it the only way in.
//
//   node connections.mjs PORTAL PROVIDER METADATA PICTURES   METADATA is the file where the provider looks for ours

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, email, heading, link, passwordField, signIn } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, provider, metadata, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [portal, provider].map((url) => new URL(url).origin) });

const at = (path) => new URL(path, portal).href;
const OLIVE = { email: "olive@elsewhere.example", password: "seven quiet herons" };
const ANN = "ann@example.com";
const theirs = new URL("saml2/idp/metadata.php", provider).href;

// The path of the connection's page, once it is there.
let place;

const says = (page, words) => page.getByRole("status").filter({ hasText: words }).waitFor();

async function comesTo(page, path) {
  await page.goto(at(`/login?step=password&return_to=${path}`));
  await signIn(page, OLIVE);
}

async function confirmsInTheDialog(page) {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await passwordField(dialog).fill(OLIVE.password);
  await button(dialog, "Confirm").click();
}

async function provesThereWhoSheIs(page) {
  await page.getByLabel("Username").fill("ann");
  await page.getByLabel("Password").fill("ann-password");
  await page.getByRole("button", { name: "Login" }).click();
}

// What is folded away is looked at as well.
async function unfold(page) {
  // All of it has to be there.
  await page.waitForLoadState("load");
  await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => one.setAttribute("open", "")));
}

describe("A connection", { concurrency: 1 }, () => {
  after(() => browser.close());

  stage.story("is added by an owner, who sees what to enter at the provider", async (arrive) => {
    const page = await (await arrive()).tab();
    await comesTo(page, "/orgs/acme");
    await heading(page, "Acme");
    await link(page, "Single sign-on").click();
    await heading(page, "Single sign-on of Acme");
    await album.look(page, "none");
    await page.getByLabel("Name", { exact: true }).fill("Example");
    await page.getByLabel("Domains").fill("example.com");
    await button(page, "Add the connection").click();
    await confirmsInTheDialog(page);
    await page.getByRole("alert").first().waitFor();
    await unfold(page);
    await album.look(page, "without-a-provider");
    await page.getByLabel("URL of the provider's metadata").fill(theirs);
    await button(page, "Add the connection").click();
    await says(page, "The connection is added.");
    place = new URL(page.url()).pathname;
    await unfold(page);
    await album.look(page, "added");
    const ours = await page.request.get(await link(page, /\/metadata$/).getAttribute("href"));
    writeFileSync(metadata, await ours.text());
  });

  stage.story("is tried out, and the report says what came of it", async (arrive) => {
    const page = await (await arrive()).tab();
    await comesTo(page, place);
    await link(page, "Test connection").click();
    await provesThereWhoSheIs(page);
    await heading(page, /^Test /);
    await page.getByText("The answer of Example was good.").waitFor();
    await page.getByText(ANN).first().waitFor();
    await album.look(page, "test");
    await link(page, "Back to Example").click();
    await page.getByText("Somebody got through").waitFor();
    await link(page, "See answers").click();
    await heading(page, "Answers of Example");
    await album.look(page, "answers");
    await page.goto(at("/orgs/acme/sso"));
    await album.look(page, "list");
  });

  stage.story("has its groups mapped", async (arrive) => {
    const page = await (await arrive()).tab();
    await comesTo(page, place);
    await heading(page, "Example");
    await unfold(page);
    await page.getByLabel("Roles by the provider's groups").fill("engineering");
    await button(page, "Save").click();
    await confirmsInTheDialog(page);
    await page.getByRole("alert").first().waitFor();
    await album.look(page, "wrong-mapping");
    await page.getByLabel("Roles by the provider's groups").fill("engineering = admin");
    await button(page, "Save").click();
    await says(page, "The connection is changed.");
  });

  stage.story("refuses an answer, and shows a reference", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    const asked = page.waitForRequest(/SSOService/);
    await page.goto(at(`/saml/${place.split("/").at(-1)}/login`));
    const RelayState = new URL((await asked).url()).searchParams.get("RelayState");
    await page.getByLabel("Username").waitFor();
    const answer = { SAMLResponse: Buffer.from("<html/>").toString("base64"), RelayState };
    await page.evaluate(([action, fields]) => {
      const form = Object.assign(document.createElement("form"), { action, method: "post" });
      for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
      }
      document.body.append(form);
      form.submit();
    }, [at(`/saml/${place.split("/").at(-1)}/acs`), answer]);
    await heading(page, "You are not signed in");
    await page.getByText("Reference:").waitFor();
    await album.look(page, "refused");
  });

  stage.story("is made the only way in, after a look at whom that concerns", async (arrive) => {
    const page = await (await arrive()).tab();
    await comesTo(page, place);
    await link(page, "Look ahead").click();
    await heading(page, "Example as the only way in");
    await page.getByText("Nobody has tried it out since it was last changed.").waitFor();
    await album.look(page, "look-ahead-untested");
    await link(page, "Test connection").click();
    await provesThereWhoSheIs(page);
    await heading(page, /^Test /);
    await page.goto(at(`${place}/preflight`));
    await page.getByLabel("Is it the only way in?").selectOption("now");
    await page.getByLabel("Break glass").fill("nobody@elsewhere.example");
    await button(page, "Save").click();
    await confirmsInTheDialog(page);
    await page.getByRole("alert").first().waitFor();
    await album.look(page, "look-ahead-wrong");
    await page.getByLabel("Break glass").fill(OLIVE.email);
    await button(page, "Save").click();
    await says(page, "Saved.");
    await album.look(page, "enforced");
    await page.goto(at(`${place}/preflight`));
    assert.equal(await page.getByLabel("Break glass").inputValue(), OLIVE.email);
    await album.look(page, "look-back");
  });

  stage.story("is all that its people have, and their pages say so", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(at("/signup"));
    await email(page).fill(ANN);
    await page.getByLabel("Your name").fill("Ann");
    await passwordField(page).fill("nine patient otters");
    await button(page, "Create account").click();
    await heading(page, "Sign in by your organization");
    await album.look(page, "no-sign-up");
    await link(page, "Sign in with Example").click();
    await provesThereWhoSheIs(page);
    await heading(page, "Hello, Ann Lee");
    await page.goto(at("/account/security"));
    await page.getByText("You sign in by Example alone").waitFor();
    await album.look(page, "account");
    await page.goto(at("/account/sessions"));
    await album.look(page, "devices");
    await page.goto(at("/account/password"));
    assert.ok(visitor.status(page) < 500);
    await album.look(page, "password");
    await page.goto(at("/orgs/acme"));
    await page.getByText("admin", { exact: false }).first().waitFor();
  });
});
