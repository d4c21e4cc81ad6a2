// Organizations, in a real browser: founded by one, run, handed over to another, deleted by her.
//
//   node organizations.mjs PORTAL found|run PICTURES
//
// Between the two somebody lets Mia in.

import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  getsIn,
  heading,
  link,
  openLetter,
  passwordField,
  person,
  signIn,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, part, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const [olive, mia] = ["Olive", "Mia"].map(person);

const says = (page, words) => page.getByRole("status").filter({ hasText: words }).waitFor();

async function confirmsInTheDialog(page, who) {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await passwordField(dialog).fill(who.password);
  await button(dialog, "Confirm").click();
}

// Led there on the way to a page that asks for it.
async function confirmsOnThePage(page, who) {
  await heading(page, "Confirm that it is you");
  await passwordField(page).fill(who.password);
  await button(page, "Confirm").click();
}

const stories = {
  found() {
    stage.story("is founded and renamed by whoever has a proved address", async (arrive) => {
      const page = await (await arrive()).tab();
      await getsIn(page, portal, olive);
      await link(page, "Your organizations").click();
      await heading(page, "Your organizations");
      await album.look(page, "none");
      await page.getByLabel("Name", { exact: true }).fill("  ");
      await page.getByLabel("Short name").fill("No Slug");
      await button(page, "Create the organization").click();
      await page.getByRole("alert").filter({ hasText: "Give it a name." }).waitFor();
      await album.look(page, "wrong");
      await page.getByLabel("Name", { exact: true }).fill("Acme");
      await page.getByLabel("Short name").fill("");
      await button(page, "Create the organization").click();
      await heading(page, "Acme");
      await says(page, "You are its owner.");
      await album.look(page, "founded");
      await page.getByLabel("Name", { exact: true }).fill("Acme & Sons");
      await button(page, "Save the name").click();
      await heading(page, "Acme & Sons");
      await page.goto(at("/orgs"));
      await album.look(page, "one");

      const other = await (await arrive()).tab();
      await getsIn(other, portal, mia);
    });
  },
  run() {
    stage.story("has members with roles, is handed over and deleted", async (arrive) => {
      const visitor = await arrive();
      const page = await visitor.tab();
      await page.goto(at("/login?return_to=%2Forgs%2Facme"));
      await signIn(page, olive);
      await heading(page, "Acme & Sons");
      await page.getByLabel("Change: Mia").click();
      await album.look(page, "members");
      await page.getByLabel("Role of Mia").selectOption("Admin");
      await button(page, "Save the role").click();
      await says(page, "The role is changed.");
      await page.getByText("Ask for a second factor", { exact: true }).click();
      await album.look(page, "second-factor");
      await page.getByRole("region", { name: "Second factor" }).getByRole("button", { name: "Save" }).click();
      await page.getByRole("alert").filter({ hasText: "Set up a second factor of your own" }).waitFor();
      await album.look(page, "refused");

      await link(page, "Hand it over").click();
      await confirmsOnThePage(page, olive);
      await heading(page, "Hand over Acme & Sons");
      await album.look(page, "hand-over");
      await page.getByLabel("The new owner").selectOption(`Mia (${mia.email})`);
      await button(page, "Hand it over").click();
      await says(page, "You are an admin now.");
      await album.look(page, "handed-over");

      const other = await (await arrive()).tab();
      await other.goto(at("/login?return_to=%2Forgs%2Facme"));
      await signIn(other, mia);
      await heading(other, "Acme & Sons");
      await other.getByLabel("Change: Olive").click();
      await button(other, "Make Olive an owner").click();
      await confirmsInTheDialog(other, mia);
      await says(other, "The role is changed.");
      await link(other, "Delete it").click();
      await heading(other, "Delete Acme & Sons");
      await album.look(other, "delete");
      await button(other, "Delete Acme & Sons").click();
      await says(other, "The organization is deleted.");

      await page.goto(at("/dev/inbox"));
      await openLetter(page, olive.email, "Acme & Sons was deleted");
      await asAMailProgramShowsIt(album, visitor, page, "An organization was deleted", "letter-deleted");
      await page.goto(at("/dev/inbox"));
      await openLetter(page, mia.email, "Your role in Acme & Sons has changed");
      await asAMailProgramShowsIt(album, visitor, page, "Your role has changed", "letter-role");
    });
  },
};

describe("an organization", () => {
  after(() => browser.close());
  stories[part]();
});
