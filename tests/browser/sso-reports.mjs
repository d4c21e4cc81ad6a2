// What administrators see of refused answers of their provider, in a real browser.
//
//   node sso-reports.mjs PORTAL founds PICTURES
//   node sso-reports.mjs PORTAL reads PICTURES CONNECTION
//
// Between them the organization's provider answers, and is refused.

import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import { button, getsIn, heading, person, signIn } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, part, connection, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;
const olive = person("Olive");

const stories = {
  founds() {
    stage.story("is founded", async (arrive) => {
      const page = await (await arrive()).tab();
      await getsIn(page, portal, olive);
      await page.goto(at("/orgs"));
      await page.getByLabel("Name", { exact: true }).fill("Acme");
      await button(page, "Create the organization").click();
      await heading(page, "Acme");
    });
  },
  reads() {
    stage.story("shows its owner which check failed, on what", async (arrive) => {
      const page = await (await arrive()).tab();
      const place = `/orgs/acme/sso/${connection}/reports`;
      await page.goto(at(`/login?step=password&return_to=${place}`));
      await signIn(page, olive);
      await heading(page, "Answers of Acme Login");
      await album.look(page, "reports");
      await page.getByRole("link", { name: /^Sign-in begun by the provider/ }).click();
      await heading(page, /^Sign-in begun by the provider/);
      await page.getByText("https://old.example/acs", { exact: true }).first().waitFor();
      await album.look(page, "report");
    });
  },
};

describe("An organization's provider", () => {
  after(() => browser.close());
  stories[part]();
});
