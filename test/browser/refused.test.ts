/**
 * Every answer a page waits for may fail: then the page says so, offers to try again, and is whole
 * when that worked. Each route of each page fails here once.
 */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLab, type Lab } from "./lab.ts";
import { CHROMIUM, WITHOUT } from "./page.ts";

const DEPLOYMENT = "pricing-20260909-3";
const WHAT_IF = "what-if?base=two-minute-override&set=tiers.override.window%3D4m";
/** Limits of one's own, so that a budget file is offered. */
const LIMITED = "limit=missRate%3A3pp";

/** A page, which requests fail on it, and what is there when they did not. */
const CASES: readonly (readonly [string, RegExp, string])[] = [
  ["compare", /\/api\/policies$/, "td[data-field]"],
  ["compare", /\/api\/history$/, "td[data-field]"],
  ["compare", /\/api\/compare/, "td[data-field]"],
  ["compare", /\/api\/verdict/, "#limits"],
  ["compare?since=2026-09-08", /\/api\/scored/, "td[data-field]"],
  ["deployment", /\/api\/deployments/, "td .end"],
  [`deployment?id=${DEPLOYMENT}`, /\/api\/deployments\/[^/]+$/, "[data-lesson]"],
  [`deployment?id=${DEPLOYMENT}`, /\/explain\?/, ".why li"],
  [`deployment?id=${DEPLOYMENT}`, /\/bands\?/, ".plot canvas"],
  [`deployment?id=${DEPLOYMENT}`, /\/api\/series\//, ".plot canvas"],
  [WHAT_IF, /\/api\/policies\/two/, "[data-precision=exact]"],
  [WHAT_IF, /\/api\/what-if/, "[data-precision=exact]"],
  [WHAT_IF, /\/api\/limits/, "[data-precision=exact]"],
  [`${WHAT_IF}&${LIMITED}`, /\/api\/limits/, "a[download]"],
  ["sweep", /\/api\/policies\/./, "main form"],
  ["sweep", /\/api\/limits/, "#limits"],
  [`sweep?${LIMITED}`, /\/api\/limits/, "a[download]"],
  ["sweep", /\/api\/sweeps$/, "main form"],
  ["tags", /\/api\/tags/, "#worth"],
  ["agents", /\/api\/agents/, "main .empty"],
  ["decisions", /\/api\/decisions/, "[data-verified]"],
  ["decisions?record=pricing-20260907-1%231", /\/api\/decisions\//, "[data-record] .why li"],
];
const PROBLEM = { title: "It broke", status: 500, detail: "Nobody knows why." };

let lab: Lab;
let page: Page;

describe.skipIf(CHROMIUM === null)(
  `what the server refuses${WITHOUT}`,
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      lab = await startLab(["naive-threshold", "two-minute-override"]);
      page = await lab.open("decisions");
      page.setDefaultTimeout(60_000);
      await page.locator("[data-verified]").waitFor();
    });
    afterAll(async () => lab.close());

    it.each(CASES)("%s without %s says so, and comes when it is asked again", async (...one) => {
      const [path, asked, settled] = one;
      let fails = true;
      await page.route(asked, (route) =>
        fails
          ? route.fulfill({ status: 500, json: PROBLEM, contentType: "application/problem+json" })
          : route.continue(),
      );
      await page.goto(lab.url + path);
      if (path.includes("since=")) await page.locator("[data-stretch]").click();
      const again = page.getByRole("button", { name: "Try again" });
      await again.first().waitFor();
      expect(await page.getByText("It broke").or(page.getByText("Nobody knows")).count()).not.toBe(
        0,
      );
      fails = false;
      while ((await again.count()) > 0) {
        const before = await again.count();
        await again.first().click();
        await expect.poll(() => again.count(), { timeout: 30_000 }).toBeLessThan(before);
      }
      await page.locator(settled).first().waitFor();
      await page.unroute(asked);
    });
  },
);
