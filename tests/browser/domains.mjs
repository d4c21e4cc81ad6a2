// An organization's domains, and what they do to the sign-in page, in a real browser.
//
//   node domains.mjs PORTAL claims|proves|chooses|is-led PICTURES
//
// After the first the record is set, after the second there is a provider, and after the third no other way.

import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, email, getsIn, heading, link, passwordField, person, signIn } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, part, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const olive = person("Olive");
const ANN = "ann@corp.example";

const says = (page, words) => page.getByRole("status").filter({ hasText: words }).waitFor();

async function confirmsInTheDialog(page) {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await passwordField(dialog).fill(olive.password);
  await button(dialog, "Confirm").click();
}

const stories = {
  claims() {
    stage.story("is added by an owner, who is told which record to set", async (arrive) => {
      const page = await (await arrive()).tab();
      await getsIn(page, portal, olive);
      await page.goto(at("/orgs"));
      await page.getByLabel("Name", { exact: true }).fill("Acme");
      await button(page, "Create the organization").click();
      await heading(page, "Acme");
      await link(page, "Domains").click();
      await heading(page, "Domains of Acme");
      await album.look(page, "none");
      await page.getByLabel("Domain", { exact: true }).fill("co.uk");
      await button(page, "Add the domain").click();
      await confirmsInTheDialog(page);
      await page.getByRole("alert").filter({ hasText: "shared by many" }).waitFor();
      await album.look(page, "wrong");
      await page.getByLabel("Domain", { exact: true }).fill("Corp.example");
      await button(page, "Add the domain").click();
      await says(page, "The domain is added.");
      await album.look(page, "added");
      await button(page, "Check the record of corp.example").click();
      await says(page, "The record was not seen.");
      await album.look(page, "not-seen");
    });
  },
  proves() {
    stage.story("is proved by its record", async (arrive) => {
      const page = await (await arrive()).tab();
      await page.goto(at("/login?return_to=/orgs/acme/domains"));
      await signIn(page, olive);
      await heading(page, "Domains of Acme");
      await button(page, "Check the record of corp.example").click();
      await confirmsInTheDialog(page);
      await says(page, "the domain is proved to be yours");
      await page.getByText("Remove", { exact: true }).click();
      await album.look(page, "proved");
    });
  },
  chooses() {
    stage.story("has its people choose between the provider and a password", async (arrive) => {
      const page = await (await arrive()).tab();
      await page.goto(at("/login?return_to=/account/security"));
      await heading(page, "Sign in");
      await album.look(page, "address");
      await email(page).fill(ANN);
      await button(page, "Continue").click();
      await link(page, "Sign in with Acme Login").waitFor();
      await album.look(page, "choice");
      await link(page, "Use another address").click();
      await email(page).fill(olive.email);
      await page.keyboard.press("Enter");
      await passwordField(page).fill(olive.password);
      await button(page, "Sign in").click();
      await heading(page, "Signing in to your account");
    });
  },
  "is-led"() {
    stage.story("leads its people to the provider, whatever they try", async (arrive) => {
      const page = await (await arrive()).tab();
      await page.goto(at("/login?step=password&return_to=/account/security"));
      await signIn(page, { email: ANN, password: "whatever it is" });
      await heading(page, "Sign in with Acme Login");
      await link(page, "Continue to Acme Login").waitFor();
      await album.look(page, "led");
      await link(page, "Use another address").click();
      await email(page).fill(ANN);
      const there = page.waitForRequest(/\/saml\/[^/]+\/login\?return_to=%2Faccount%2Fsecurity$/);
      await button(page, "Continue").click();
      await there;
    });
  },
};

describe("a domain", () => {
  after(() => browser.close());
  stories[part]();
});
