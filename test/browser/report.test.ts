/** A report as people open it: from disk, without a network, in light, dark and on paper. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../lab/progress.ts";
import { DEFAULT_BUDGET } from "../../lab/gate/budget.ts";
import { openHistory } from "../../lab/history/open.ts";
import { makeReport, type ReportDocument } from "../../lab/report/document.ts";
import { reportHtml } from "../../lab/report/html.ts";
import { printPdf } from "../../lab/report/pdf.ts";
import { parseQuarter } from "../../lab/report/quarter.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";
import { CHROMIUM, openBrowser, seriousFaults, WITHOUT } from "./page.ts";

const file = join(temporaryDirectory(), "report.html");
/** A4 less its margins, at 96 dots to the inch. */
const PAPER = { width: 680, height: 980 };

let browser: Browser;

async function report(): Promise<ReportDocument> {
  const history = await openHistory(await smallHistory());
  try {
    const options = {
      people: "absent",
      seed: 1,
      replicates: 100,
      draws: 1,
      effect: "hold",
    } as const;
    return await makeReport(
      history,
      {
        asked: {
          ...options,
          history: "small",
          policy: "current.yaml",
          candidate: "next.yaml",
          quarter: "2026Q4",
          budget: null,
          sweep: null,
          costs: null,
          lab: "http://127.0.0.1:4173",
          redact: false,
        },
        quarter: parseQuarter("2026Q4")!,
        policies: [shipped("evidence"), shipped("two-minute-override")],
        budget: DEFAULT_BUDGET,
        sweep: null,
      },
      { ...options, progress: silent },
    );
  } finally {
    history.close();
  }
}

/** Opened as from a disk with the network off; what the console said is kept. */
async function opened(scheme: "light" | "dark", bypassCSP = false): Promise<[Page, string[]]> {
  const context = await browser.newContext({ offline: true, colorScheme: scheme, bypassCSP });
  const page = await context.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) said.push(`asks for ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
  return [page, said];
}

describe.skipIf(CHROMIUM === null)(`a report in a browser${WITHOUT}`, () => {
  beforeAll(async () => {
    writeFileSync(file, reportHtml(await report()));
    browser = await openBrowser();
  }, HOOK_MS);
  afterAll(() => browser.close());

  it("opens from disk without a network and without a word on the console", async () => {
    const [page, said] = await opened("light");
    expect(await page.textContent("h1")).toMatch(/\w/);
    expect(
      await page.evaluate("getComputedStyle(document.querySelector('svg .band')).strokeWidth"),
    ).toBe("6px");
    expect(said).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has nothing serious for axe, %s", async (scheme) => {
    const [page] = await opened(scheme, true);
    expect(await seriousFaults(page)).toEqual([]);
  });

  it("prints to A4 with no chart and no table over the edge", async () => {
    const [page] = await opened("light");
    await page.setViewportSize(PAPER);
    await page.emulateMedia({ media: "print" });
    const over = await page.evaluate(
      `[...document.querySelectorAll("svg, table, pre, h1")]
        .filter((one) => one.getBoundingClientRect().right > ${PAPER.width} + 1)
        .map((one) => one.getAttribute("aria-label") ?? one.textContent.slice(0, 60))`,
    );
    expect(over).toEqual([]);
    const pdf = join(temporaryDirectory(), "report.pdf");
    await printPdf(CHROMIUM!, file, pdf);
    expect(await page.pdf({ preferCSSPageSize: true })).toHaveProperty("length");
  });
});
