/**
 * The README's pictures out of two reports, a light and a dark one, into lab/report/gallery:
 * `npm run gallery -- QUARTER.html RECORDED.html`. What they are made of is in
 * lab/report/README.md.
 */

import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { CHROMIUM, openBrowser } from "./page.ts";

const GALLERY = fileURLToPath(new URL("../../lab/report/gallery", import.meta.url));
/** The least width at which no interval is broken, so that a README shrinks it little. */
const WIDTH = 1000;
const DIFFERENCES_HEIGHT = 640;

const [quarter, recorded] = process.argv.slice(2);
if (CHROMIUM === null || quarter === undefined || recorded === undefined) {
  console.error(
    CHROMIUM === null
      ? "No Chromium here: install it, or say where it is with CHROMIUM=…"
      : "Give two reports: npm run gallery -- QUARTER.html RECORDED.html",
  );
  process.exit(2);
}
const browser = await openBrowser();
await picture(quarter, "light", "quarter.png", upTo(".facts"));
await picture(quarter, "light", "differences.png", from("tr.group", "Was it right"));
await picture(recorded, "dark", "recorded.png", upTo(".facts"));
await browser.close();

/** What of a page is shown, from its top: where it begins and how high it is. */
type Part = (page: Page) => Promise<{ readonly y: number; readonly height: number }>;

async function picture(
  report: string,
  colorScheme: "light" | "dark",
  name: string,
  part: Part,
): Promise<void> {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, colorScheme });
  await page.goto(pathToFileURL(resolve(report)).href);
  const clip = { x: 0, width: WIDTH, ...(await part(page)) };
  await page.screenshot({ path: join(GALLERY, name), fullPage: true, clip });
  await page.close();
}

function upTo(selector: string): Part {
  return async (page) => {
    const { y, height } = (await page.locator(selector).first().boundingBox())!;
    return { y: 0, height: Math.ceil(y + height + 16) };
  };
}

function from(selector: string, words: string): Part {
  return async (page) => {
    const { y } = (await page.locator(selector, { hasText: words }).first().boundingBox())!;
    return { y: Math.floor(y), height: DIFFERENCES_HEIGHT };
  };
}
