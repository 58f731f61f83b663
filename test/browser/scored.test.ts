/**
 * A stretch of the history in a real browser: chosen by keys or by days, kept by every view and
 * in the address, scored as the command line scores it, and never empty without a word.
 */

import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hindsight } from "../commandLine.ts";
import { overflow, policyFile, seriousFindings, startLab, type Lab } from "./lab.ts";
import { CHROMIUM } from "./page.ts";

const POLICIES = ["naive-threshold", "two-minute-override"] as const;
const DAYS = { from: "2026-09-08", to: "2026-09-10" };
const CHOSEN = `since=${DAYS.from}&until=${DAYS.to}`;
/** After the last deployment. */
const EMPTY = "since=2027-01-01";

if (CHROMIUM === null) {
  console.warn("No Chromium here, so the browser tests are skipped; CHROMIUM=… says where it is.");
}

let lab: Lab;

async function opened(path: string): Promise<Page> {
  const page = await lab.open(path);
  page.setDefaultTimeout(90_000);
  return page;
}

/** The control in the frame. */
const control = (page: Page): Locator => page.locator("summary[data-stretch]");
const line = (page: Page): Locator => page.locator("[data-scored]");

async function told(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await hindsight(words);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

interface Compared {
  readonly manifest: { readonly notes: readonly string[] };
  readonly scorecards: Readonly<Record<string, { readonly deployments: { value: number } }>>;
}

describe.skipIf(CHROMIUM === null)("a stretch in a browser", { timeout: 300_000 }, () => {
  beforeAll(async () => {
    lab = await startLab(POLICIES);
  });
  afterAll(async () => lab.close());

  it("is chosen by keys, scored as --from and --to are, and shared by its address", async () => {
    const page = await opened("compare?fields=all");
    await page.locator("td[data-field]").first().waitFor();
    expect(await control(page).innerText()).toContain("the whole history");
    expect(await line(page).count()).toBe(0);
    await control(page).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("from day").fill(DAYS.from);
    await page.getByLabel("before day").fill(DAYS.to);
    await page.keyboard.press("Enter");
    await line(page).waitFor();
    expect(page.url()).toContain(CHOSEN);

    const words = POLICIES.flatMap((name) => ["--policy", policyFile(name)]);
    const between = ["--from", DAYS.from, "--to", DAYS.to];
    const asked = ["compare", "--history", lab.history, ...words, ...between, "--json"];
    const { manifest, scorecards } = JSON.parse(await told(asked)) as Compared;
    expect(await line(page).innerText()).toBe(manifest.notes[0]);
    const { value } = scorecards[POLICIES[0]]!.deployments;
    expect(await line(page).getAttribute("data-scored")).toBe(String(value));
    expect(await control(page).innerText()).toMatch(
      /from 8 Sept 2026, before 10 Sept 2026\s+\d+ of 19 deployments/,
    );
    const shown = page.locator(`td[data-field=deployments][data-policy=${POLICIES[0]}]`);
    expect(await shown.innerText()).toMatch(new RegExp(`^${value}\\b`));
    // The command on the page answers the same, and the address shows the same.
    const command = await page.locator("code", { hasText: /^hindsight compare / }).innerText();
    expect(await told([...command.split(/\s+/).slice(1), "--json"])).toContain(
      JSON.stringify(manifest.notes[0]),
    );
    const again = await opened(`compare?fields=all&${CHOSEN}`);
    await line(again).waitFor();
    // The verdict comes after the numbers.
    for (const one of [page, again]) await one.getByText("Shaded: beyond your limits").waitFor();
    const [here, there] = await Promise.all(
      [page, again].map((one) => one.locator("main").innerText()),
    );
    expect(there).toBe(here);
    await again.context().close();

    // Every view keeps it; the history is whole again where somebody says so.
    for (const view of ["Deployments", "What if", "Tags"]) {
      await page.getByRole("link", { name: view, exact: true }).click();
      await line(page).waitFor();
      expect([view, await line(page).innerText()]).toEqual([view, manifest.notes[0]]);
    }
    await control(page).click();
    await page.getByRole("button", { name: /^the whole history/ }).click();
    await expect.poll(() => line(page).count(), { timeout: 90_000 }).toBe(0);
    expect(page.url()).not.toContain("since=");
    await page.context().close();
  });

  it("offers the quarters, closes with Escape, and gives the focus back", async () => {
    const page = await opened("deployment");
    await page.locator("td .end").first().waitFor();
    await control(page).click();
    const quarter = page.getByRole("button", { name: /^2026Q3/ });
    await quarter.waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => quarter.isVisible()).toBe(false);
    expect(await control(page).evaluate("document.activeElement.matches('[data-stretch]')")).toBe(
      true,
    );
    await page.keyboard.press("Enter");
    await quarter.click();
    expect(page.url()).toContain("since=2026-07-01&until=2026-10-01");
    expect(await line(page).innerText()).toContain("all 19 deployments");
    await page.context().close();
  });

  it("is swept as asked, and its variations lead to the same stretch", async () => {
    const page = await opened(`sweep?vary=tiers.override.window%3D1m,5m&${CHOSEN}`);
    await line(page).waitFor();
    const scored = await line(page).innerText();
    await page.getByRole("button", { name: /^Start/ }).click();
    await page.locator("#variations").waitFor();
    expect(await line(page).innerText()).toBe(scored);
    expect(await page.locator("code", { hasText: /^hindsight sweep / }).innerText()).toContain(
      `--from ${DAYS.from} --to ${DAYS.to}`,
    );
    // What the page is set to since then does not change what was swept, and is told apart.
    const other = await opened("sweep?id=s1");
    await other.getByText("set to score something else").waitFor();
    expect(await line(other).innerText()).toBe(scored);
    await other.locator("a[data-name]").first().click();
    await other.waitForURL(/what-if/);
    await line(other).waitFor();
    expect(await line(other).innerText()).toBe(scored);
    await other.context().close();
    await page.context().close();
  });

  it.each(["compare", "deployment", "what-if", "tags"])(
    "%s says that nothing starts in it, and shows no number",
    async (view) => {
      const page = await opened(`${view}?${EMPTY}`);
      const failed = page.locator("main").getByRole("alert");
      await failed.first().waitFor();
      expect(await failed.first().innerText()).toMatch(
        /no deployment of this history starts between --from and --to\s+Its 19 deployments/,
      );
      expect(await control(page).innerText()).toContain("nothing");
      expect(await page.locator("[data-field], td").count()).toBe(0);
      // It can be undone where it is told.
      await control(page).click();
      await page.getByRole("button", { name: /^the whole history/ }).click();
      await page.locator("td").first().waitFor();
      await page.context().close();
      // The browser itself says that an answer was a refusal.
      lab.complaints.length = 0;
    },
  );

  it.each([
    ["compare", "[data-scored]"],
    ["deployment", "[data-scored]"],
    ["what-if", "[data-precision=exact]"],
    ["sweep", "[data-scored]"],
    ["tags", "#arms"],
  ])("%s: axe finds nothing serious, open or not, and a phone shows it", async (view, settled) => {
    for (const colorScheme of ["light", "dark"] as const) {
      // Axe is a script of the test's own, which our pages would not let in.
      const page = await lab.open(`${view}?${CHOSEN}`, { colorScheme, bypassCSP: true });
      await page.locator(settled).first().waitFor({ timeout: 90_000 });
      expect([colorScheme, await seriousFindings(page)]).toEqual([colorScheme, []]);
      await control(page).click();
      expect([colorScheme, await seriousFindings(page)]).toEqual([colorScheme, []]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect([colorScheme, await overflow(page)]).toEqual([colorScheme, 0]);
      await page.context().close();
    }
  });

  it("asks nobody else, and nothing was refused or went wrong", () => {
    expect(lab.strangers).toEqual([]);
    expect(lab.complaints).toEqual([]);
  });
});
