// Signing in by a company's identity provider, which is on another site, in a real browser: SimpleSAMLphp, and the
// browser's own rules for cookies.
//
//   node sso.mjs PORTAL DEMO PROVIDER METADATA PICTURES   METADATA is the file where the provider looks for ours

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe } from "node:test";
import { request } from "playwright-core";

import { Album } from "./support/look.mjs";
import { button, email, heading, link } from "./support/steps.mjs";
import { Stage } from "./support/story.mjs";
import { launch } from "./support/visitor.mjs";

const [portal, demo, provider, metadata, folder] = process.argv.slice(2);
const album = new Album(folder);
const browser = await launch(["--ignore-certificate-errors"]);
const stage = new Stage({ browser, album, origins: [portal, demo, provider].map((url) => new URL(url).origin) });

const at = (path) => new URL(path, portal).href;
const isSecure = portal.startsWith("https:");
const OWNER = { email: "olive@elsewhere.example", password: "seven quiet herons" };

// As an administrator does it by a program: the connection here, and what the provider has to know of it there.
async function connect() {
  const extraHTTPHeaders = { origin: new URL(portal).origin };
  const olive = await request.newContext({ baseURL: portal, ignoreHTTPSErrors: true, extraHTTPHeaders });
  const says = async (answer, status) => {
    assert.equal(answer.status(), status, await answer.text());
    return answer;
  };
  await says(await olive.post("/auth/login", { data: OWNER }), 200);
  const theirs = await (await olive.get(new URL("saml2/idp/metadata.php", provider).href)).text();
  await says(await olive.post("/auth/confirm", { data: { password: OWNER.password } }), 200);
  const data = { kind: "saml", name: "Example", domains: ["example.com"], metadata_xml: theirs };
  const { id } = await (await says(await olive.post("/orgs/acme/sso", { data }), 201)).json();
  writeFileSync(metadata, await (await says(await olive.get(`/saml/${id}/metadata`), 200)).text());
  await olive.dispose();
}

const asksForAPassword = (page) => page.getByLabel("Username").waitFor();

async function provesThereWhoSheIs(page) {
  await asksForAPassword(page);
  assert.equal(new URL(page.url()).origin, new URL(provider).origin);
  await page.getByLabel("Username").fill("ann");
  await page.getByLabel("Password").fill("ann-password");
  await page.getByRole("button", { name: "Login" }).click();
}

async function typesHerAddress(page) {
  await heading(page, "Sign in");
  await email(page).fill("ann@example.com");
  await button(page, "Continue").click();
}

async function comesIn(page) {
  await page.goto(at("/login"));
  await typesHerAddress(page);
  await goesToTheProvider(page);
  await provesThereWhoSheIs(page);
  await heading(page, "Hello, Ann Lee");
}

// A page of ours may stand between.
async function goesToTheProvider(page) {
  const way = link(page, "Sign in with Example");
  await way.or(page.getByLabel("Username")).first().waitFor();
  if (await way.isVisible()) {
    await way.click();
  }
}

describe("a company's identity provider on another site", { concurrency: 1 }, () => {
  before(connect);
  after(() => browser.close());

  stage.story("signs in whoever types an address of the company", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.goto(at("/login"));
    await heading(page, "Sign in");
    await album.look(page, "address");
    await typesHerAddress(page);
    await link(page, "Sign in with Example").waitFor();
    await album.look(page, "way-to-the-provider");
    await goesToTheProvider(page);
    await provesThereWhoSheIs(page);
    await heading(page, "Hello, Ann Lee");
    await album.look(page, "home");
    const cookies = await visitor.context.cookies(portal);
    const flow = cookies.find(({ name }) => name.endsWith("vestibule_flow"));
    assert.deepEqual([flow.sameSite, flow.secure], isSecure ? ["None", true] : ["Lax", false]);
    await page.goto(at("/account/sessions"));
    await page.getByText("Example").first().waitFor();
    await album.look(page, "devices");
  });

  stage.story("asks again whoever is about to do something dangerous", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await comesIn(page);
    // Signing in counts for a moment.
    const way = link(page, "Go to your organization’s sign-in");
    const deadline = Date.now() + 20_000;
    do {
      assert.ok(Date.now() < deadline, "nothing was ever asked");
      await page.goto(at("/account/security/totp"));
    } while (!(await way.isVisible()));
    await heading(page, "Confirm that it is you");
    await album.look(page, "confirm");
    await way.click();
    await provesThereWhoSheIs(page);
    await page.waitForURL(at("/account/security/totp"));
  });

  stage.story("signs out there whoever signs out here", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await comesIn(page);
    await button(page, "Sign out").click();
    await heading(page, "You are signed out");
    await album.look(page, "signed-out");
    await page.goto(at("/login"));
    await typesHerAddress(page);
    await goesToTheProvider(page);
    await asksForAPassword(page);
  });

  stage.story("signs out here whoever signs out there", async (arrive) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await comesIn(page);
    const other = await visitor.tab();
    const back = new URL("logout.php", provider).href;
    await other.goto(new URL(`saml2/idp/SingleLogoutService.php?ReturnTo=${back}`, provider).href);
    await page.goto(at("/account/security"));
    await heading(page, "Sign in");
    await page.getByText("by your organization’s identity provider").waitFor();
    await album.look(page, "signed-out-by-the-provider");
  });

  if (!isSecure) {
    stage.story("signs in whoever wanted to go to an app", async (arrive) => {
      const visitor = await arrive();
      const page = await visitor.tab();
      await page.goto(new URL("/reports?of=2026", demo).href);
      await typesHerAddress(page);
      await goesToTheProvider(page);
      await provesThereWhoSheIs(page);
      await page.waitForURL(new URL("/reports?of=2026", demo).href);
    });
  }
});
