// Takes the pictures of the README, in the light and in the dark: `make screenshots`.
//
//   node readme.mjs PROGRAM FOLDER
//
// Starts PROGRAM as somebody would set it up for three apps, on a port of no importance: the browser is told
// that the names live there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { confirm, followLetter, heading, link, openLetter, signIn, signUp } from "./support/steps.mjs";
import { Visitor, launch } from "./support/visitor.mjs";

const DOMAIN = "vestibule.localhost";
const PORTAL = `http://${DOMAIN}`;
const APPS = ["wiki", "photos", "calendar"].map((name) => `${name}.${DOMAIN}`);
const ANN = { name: "Ann", email: "ann@example.com", password: "seven quiet herons" };
const VIEW = { viewport: { width: 800, height: 780 }, deviceScaleFactor: 1.25 };
const PATIENCE = 60_000;

const [program, pictures] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(pictures, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "vestibule-readme-"));
// PostgreSQL does not run as root: its own user has to get in here.
chmodSync(folder, 0o755);
const port = await freePort();
const service = serve();
const browser = await launch([`--host-resolver-rules=MAP ${DOMAIN}:80 127.0.0.1:${port}`]);
try {
  await isReady();
  await takePictures();
} finally {
  await browser.close();
  service.kill("SIGTERM");
  await service.ended;
  rmSync(folder, { recursive: true });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function serve() {
  const config = join(folder, "vestibule.toml");
  writeFileSync(config, `
    [server]
    listen     = "127.0.0.1:${port}"
    public_url = "${PORTAL}"

    [session]
    cookie_domains = ["${DOMAIN}"]

    [[gateway.rules]]
    hosts = ${JSON.stringify(APPS)}
    allow = "signed_in"
  `);
  const child = spawn(program, ["serve", "--config", config], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  child.ended = once(child, "exit");
  return child;
}

async function isReady() {
  const deadline = Date.now() + PATIENCE;
  const asks = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  while (!(await asks().catch(() => false))) {
    if (service.exitCode !== null || Date.now() > deadline) {
      throw new Error("the service did not start");
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function takePictures() {
  const page = await (await Visitor.arrive(browser, { origins: [PORTAL], ...VIEW })).tab();
  await page.goto(`${PORTAL}/signup`);
  await signUp(page, ANN);
  await heading(page, "Check your mail");
  await link(page, "Open the local inbox").click();
  await openLetter(page, ANN.email);
  await followLetter(page);
  await confirm(page);
  await page.goto(`${PORTAL}/login?return_to=http://${APPS[0]}/`);
  await heading(page, "Sign in");
  await photograph(page, "sign-in");
  await page.goto(`${PORTAL}/login`);
  await signIn(page, ANN);
  await heading(page, "Hello, Ann");
  await photograph(page, "home");
}

async function photograph(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`) });
  }
}
