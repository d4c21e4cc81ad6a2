// An organization with people and groups, in a real browser.
//
//   node invitations.mjs PORTAL PICTURES

import assert from "node:assert/strict";
import { after, describe } from "node:test";

import { Album } from "./support/look.mjs";
import {
  asAMailProgramShowsIt,
  button,
  email,
  followLetter,
  getsIn,
  heading,
  link,
  openLetter,
  passwordField,
  person,
} from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch();
const stage = new Stage({ browser, album, origins: [new URL(portal).origin] });

const at = (path) => new URL(path, portal).href;

describe("people who share an organization", { concurrency: 1 }, () => {
  after(() => browser.close());

  stage.story("invite a stranger, who is in by the letter, and sort members into groups", async (arrive) => {
    const [olga, ivan] = [person("Olga"), person("Ivan")];
    const owner = await (await arrive()).tab();
    await getsIn(owner, portal, olga);
    await owner.goto(at("/orgs"));
    await owner.getByLabel("Name", { exact: true }).fill("Acme");
    await button(owner, "Create the organization").click();
    await heading(owner, "Acme");
    await link(owner, "Invite people").click();
    await heading(owner, "Invitations to Acme");
    await email(owner).fill(ivan.email);
    await owner.getByLabel("Role").selectOption("admin");
    await button(owner, "Invite").click();
    await owner.getByRole("status").filter({ hasText: "The letter is on its way" }).waitFor();
    await album.look(owner, "invitations");

    const stranger = await arrive();
    const page = await stranger.tab();
    await page.goto(at("/dev/inbox"));
    await openLetter(page, ivan.email);
    await asAMailProgramShowsIt(album, stranger, page, "You are invited", "letter");
    await followLetter(page, "You are invited to Acme");
    await album.look(page, "invitation");
    await page.getByLabel("Your name").fill(ivan.name);
    await passwordField(page).fill(ivan.password);
    await button(page, "Create account and join").click();
    await heading(page, "Acme");
    await page.getByText("You are an admin of it.").waitFor();

    await link(page, "Groups").click();
    await heading(page, "Groups of Acme");
    await page.getByLabel("Name", { exact: true }).fill("Engineering");
    await button(page, "Make the group").click();
    await heading(page, "Engineering");
    await email(page).fill(olga.email);
    await button(page, "Add to the group").click();
    await page.getByRole("status").filter({ hasText: "They are in the group now" }).waitFor();
    await album.look(page, "group");
    await link(page, "All groups of Acme").click();
    await page.getByText("One person").waitFor();
    await album.look(page, "groups");

    await owner.goto(at("/orgs/acme/groups"));
    assert.equal(await link(owner, "Engineering").count(), 1);
  });
});
