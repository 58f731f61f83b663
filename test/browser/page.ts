/**
 * Pages in a real Chromium, where one is installed: elsewhere these tests say that they
 * were left out, and why.
 */

import axe from "axe-core";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import { findChromium } from "../../lab/report/pdf.ts";

export const CHROMIUM = findChromium();
export const WITHOUT = CHROMIUM === null ? " (left out: no Chromium is installed)" : "";

/** Closes with the test that opened it. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
}

type Box = NonNullable<Awaited<ReturnType<Locator["boundingBox"]>>>;

/** Where it stands once it stands still: a page that is still loading moves what is on it. */
export async function settledBox(one: Locator): Promise<Box> {
  let before = "";
  for (let still = 0; still < 5;) {
    await one.page().waitForTimeout(50);
    const now = JSON.stringify(await one.boundingBox());
    still = now === before && now !== "null" ? still + 1 : 0;
    before = now;
  }
  return JSON.parse(before) as Box;
}

/** What axe finds that is serious or worse, as `rule: where`. */
export async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{
    violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
  }>("axe.run()");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
