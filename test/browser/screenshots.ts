/**
 * The gallery of the web lab: the top of every view in three widths and two themes, into
 * ui/gallery: `npm run screenshots`. With a history of your own,
 * `npm run screenshots -- DIR DEPLOYMENT POLICY POLICY…`, whole pages into a folder that git
 * does not see.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { hindsight } from "../commandLine.ts";
import { startLab } from "./lab.ts";
import { CHROMIUM } from "./page.ts";
import { viewsOf, type Shown } from "./views.ts";

const OWN = fileURLToPath(new URL("../../.hindsight/screenshots", import.meta.url));
const GALLERY = fileURLToPath(new URL("../../ui/gallery", import.meta.url));
const SIZES = {
  wide: { width: 1280, height: 900 },
  tablet: { width: 768, height: 1024 },
  phone: { width: 390, height: 844 },
} as const;
/** Text stays sharp, and 54 pictures stay below 3 MB. */
const QUALITY = 60;
/** The example has no proposals of agents, and the page says so. */
const AGENTS: Shown = { name: "agents", path: "agents", settled: "main .empty, main .pair" };
const [history, deployment = "pricing-20260909-3", ...policies] = process.argv.slice(2);
const out = history === undefined ? GALLERY : OWN;

if (CHROMIUM === null) {
  console.error("No Chromium here: install it, or say where it is with CHROMIUM=…");
  process.exit(2);
}
mkdirSync(out, { recursive: true });
mkdirSync(dirname(OWN), { recursive: true });
// Beside node_modules, which the command line built there needs.
const scratch = mkdtempSync(join(dirname(OWN), "pictured-"));
process.env["HINDSIGHT_TESTS"] = scratch;
const lab = await startLab(
  policies.length > 0 ? policies : ["full-autonomy", "two-minute-override", "five-minute-override"],
  history ?? (await example()),
);
const swept = await sweptPath();
for (const colorScheme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const { name, path, settled } of [...viewsOf(deployment), AGENTS, swept]) {
      const page = await lab.open(path, { colorScheme, viewport });
      await page.locator(settled).first().waitFor({ timeout: 300_000 });
      await page.waitForLoadState("networkidle");
      const file = join(out, `${name}-${colorScheme}-${size}.webp`);
      writeFileSync(file, await pictureOf(page));
      console.log(relative(process.cwd(), file));
      await page.context().close();
    }
  }
}
await lab.close();
rmSync(scratch, { recursive: true, force: true });
for (const complaint of new Set(lab.complaints)) console.error(complaint);

/** Where it lies is in the commands of the pages, and is the same on every machine. */
async function example(): Promise<string> {
  const to = ".hindsight/example";
  const words = ["import", "csv", "datasets/example", "--out", to, "--timestamp", "end", "--force"];
  const { code, stderr } = await hindsight(words);
  if (code !== 0) throw new Error(stderr);
  return to;
}

/** Playwright itself writes no WebP, which is a third of a PNG here. */
async function pictureOf(page: Page): Promise<Buffer> {
  const chromium = await page.context().newCDPSession(page);
  const whole = await page.evaluate<{ readonly width: number; readonly height: number }>(
    "({ width: innerWidth, height: document.documentElement.scrollHeight })",
  );
  const { data } = await chromium.send("Page.captureScreenshot", {
    format: "webp",
    quality: QUALITY,
    ...(out === GALLERY
      ? {}
      : { captureBeyondViewport: true, clip: { x: 0, y: 0, ...whole, scale: 1 } }),
  });
  return Buffer.from(data, "base64");
}

/** A sweep is there to be seen when it is done; the first picture waits for it. */
async function sweptPath(): Promise<Shown> {
  const page = await lab.open("sweep");
  await page.getByRole("button", { name: /^Start/ }).click();
  await page.waitForURL(/[?&]id=/);
  const { pathname, search } = new URL(page.url());
  await page.context().close();
  return { name: "swept", path: pathname + search, settled: "#variations" };
}
