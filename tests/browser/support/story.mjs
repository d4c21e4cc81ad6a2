// A story: who comes, what they do, and that no browser had anything to complain about meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Visitor } from "./visitor.mjs";

// Some steps of a browser have no end of their own.
const PATIENCE = 120_000;

export class Stage {
  constructor({ browser, album, origins }) {
    Object.assign(this, { browser, album, origins });
  }

  // `tell` is given a function by which somebody new arrives.
  story(name, tell) {
    return test(name, { timeout: PATIENCE }, async () => {
      const visitors = [];
      const arrive = async (options) => {
        const visitor = await Visitor.arrive(this.browser, { origins: this.origins, ...options });
        visitors.push(visitor);
        return visitor;
      };
      try {
        await tell(arrive);
      } catch (error) {
        await this.#keepWhatWasOpen(name, visitors);
        throw error;
      } finally {
        await Promise.all(visitors.map((visitor) => visitor.close()));
      }
      assert.deepEqual(visitors.flatMap((visitor) => visitor.complaints), []);
    });
  }

  async #keepWhatWasOpen(name, visitors) {
    const pages = visitors.flatMap((visitor) => visitor.context.pages());
    for (const [number, page] of pages.entries()) {
      const picture = `failed-${name.replaceAll(/\W+/g, "-").slice(0, 60)}-${number}`;
      console.error(`${picture}.png shows ${page.url()}`);
      await this.album.photograph(page, picture);
    }
    visitors.flatMap((visitor) => visitor.complaints).forEach((complaint) => console.error(complaint));
  }
}
