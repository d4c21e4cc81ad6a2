// People with browsers. Each has a browser context of their own, and everything their browser complains about is
// kept: errors of pages, of the console (that is where a breach of the content security policy shows), what could
// not be loaded, and requests to places that are none of ours.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

// Playwright itself adds a fresh profile folder, --no-sandbox and --headless.
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

const PATIENCE = 20_000;

export function launch(more = []) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ON_MACOS];
  const executablePath = places.find((place) => existsSync(place));
  if (!executablePath) {
    throw new Error("There is no Chromium. Run `make setup-test`.");
  }
  // People's browsers do keep pages to go back to.
  return chromium.launch({ executablePath, args: [...FLAGS, ...more], ignoreDefaultArgs: ["--disable-back-forward-cache"] });
}

export class Visitor {
  complaints = [];
  #statuses = new WeakMap();
  #origins;

  static async arrive(browser, { origins, ...options }) {
    const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
    return new Visitor(context, origins);
  }

  constructor(context, origins) {
    this.context = context;
    this.#origins = origins;
    context.setDefaultTimeout(PATIENCE);
    context.on("console", (message) => this.#heed(message));
    context.on("weberror", (error) => this.complaints.push(`script: ${error.error()}`));
    context.on("request", (request) => this.#leave(request));
    context.on("response", (response) => this.#answer(response));
  }

  tab() {
    return this.context.newPage();
  }

  // The status of the page that is open in a tab.
  status(page) {
    return this.#statuses.get(page);
  }

  close() {
    return this.context.close();
  }

  #heed(message) {
    // What could not be loaded is told from the answers, where a page is known from a picture.
    const isAnAnswer = message.text().startsWith("Failed to load resource: the server responded");
    if (["error", "warning"].includes(message.type()) && !isAnAnswer) {
      this.complaints.push(`console: ${message.text()} (${message.location().url})`);
    }
  }

  #leave(request) {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && !this.#origins.includes(origin)) {
      this.complaints.push(`a request to ${request.url()}`);
    }
  }

  #answer(response) {
    const request = response.request();
    const isPage = request.isNavigationRequest() && request.frame().parentFrame() === null;
    if (isPage) {
      this.#statuses.set(request.frame().page(), response.status());
    } else if (response.status() >= 400) {
      this.complaints.push(`${response.status()} for ${response.url()}`);
    }
  }
}
