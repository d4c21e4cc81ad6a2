// Looks at a page as everybody sees it: in the light and in the dark, on a phone and on a desk.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const PHONE = { width: 320, height: 640 };
const DESK = { width: 1400, height: 900 };

// The rules are asked once on each screen and once in each scheme; all four would say the same and take twice as long.
const SIGHTS = [
  { screen: PHONE, colorScheme: "light", isAsked: true },
  { screen: PHONE, colorScheme: "dark", isAsked: false },
  { screen: DESK, colorScheme: "dark", isAsked: true },
  { screen: DESK, colorScheme: "light", isAsked: false },
];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export class Album {
  #folder;
  #names = new Set();

  constructor(folder) {
    mkdirSync(folder, { recursive: true });
    // What an earlier run has left would be taken for this one's.
    const old = readdirSync(folder).filter((name) => name.endsWith(".png"));
    old.forEach((name) => rmSync(join(folder, name)));
    this.#folder = folder;
  }

  // Takes four pictures of what is open, and finds nothing to object to. The page is not loaded again: what was
  // typed, what has the focus and what went wrong stay.
  async look(page, name) {
    assert.ok(!this.#names.has(name), `two pictures are called ${name}`);
    this.#names.add(name);
    await page.waitForLoadState("load");
    const before = page.viewportSize();
    const objections = [];
    for (const { screen, colorScheme, isAsked } of SIGHTS) {
      await page.setViewportSize(screen);
      await page.emulateMedia({ colorScheme });
      const picture = `${name}-${screen.width}-${colorScheme}`;
      const found = [...(await sidewards(page)), ...(isAsked ? await violations(page) : [])];
      objections.push(...found.map((text) => `${picture}: ${text}`));
      await this.photograph(page, picture);
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize(before);
    assert.deepEqual(objections, []);
  }

  photograph(page, name) {
    return page.screenshot({ path: join(this.#folder, `${name}.png`), fullPage: true });
  }
}

async function sidewards(page) {
  const over = await page.evaluate(() => {
    const root = document.documentElement;
    return root.scrollWidth - root.clientWidth;
  });
  return over > 0 ? [`scrolls sidewards by ${over} px`] : [];
}

export async function violations(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(AXE);
  }
  const found = await page.evaluate(
    // Preloading fetches style sheets by script, which our policy forbids.
    (values) => globalThis.axe.run(document, { runOnly: values, resultTypes: ["violations"], preload: false }),
    RULES,
  );
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary.replace(/\s+/g, " ")}`),
  );
}
