/**
 * The web lab in a real browser: each view is clicked, dragged, reloaded from its address
 * and held against what the command line says of the same history.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatValue } from "../../lab/compare/words.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import type { Estimate, Scorecard } from "../../lab/score/scorecard.ts";
import { hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { overflow, policyFile, seriousFindings, startLab, type Lab } from "./lab.ts";
import { CHROMIUM, settledBox } from "./page.ts";
import { viewsOf } from "./views.ts";

const POLICIES = ["naive-threshold", "two-minute-override"] as const;
const DEPLOYMENT = "pricing-20260909-3";

if (CHROMIUM === null) {
  console.warn("No Chromium here, so the browser tests are skipped; CHROMIUM=… says where it is.");
}

let lab: Lab;

async function json(...words: string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await hindsight([...words, "--json"]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

async function compared(...files: string[]): Promise<Readonly<Record<string, Scorecard>>> {
  const words = files.flatMap((file) => ["--policy", file]);
  const { scorecards } = await json("compare", "--history", lab.history, ...words);
  return scorecards as Readonly<Record<string, Scorecard>>;
}

/** A number as the page has to show it. */
function shown(card: Scorecard, field: string): string {
  const [name, statistic] = field.split(".") as [string, string | undefined];
  const found = card[name] as Readonly<Record<string, Estimate>> & Estimate;
  const { value } = statistic === undefined ? found : found[statistic]!;
  const { unit } = FIELDS.find((one) => one.name === field)!;
  return value === null ? "–" : formatValue(unit, value);
}

async function opened(path: string): Promise<Page> {
  const page = await lab.open(path);
  page.setDefaultTimeout(90_000);
  return page;
}

async function close(page: Page): Promise<void> {
  await page.context().close();
}

describe.skipIf(CHROMIUM === null)("the web lab in a browser", { timeout: 300_000 }, () => {
  beforeAll(async () => {
    lab = await startLab(POLICIES);
  });
  afterAll(async () => lab.close());

  it("shows the scorecards that compare --json has", async () => {
    const page = await opened("compare?fields=all");
    const cells = page.locator("td[data-field]");
    await cells.first().waitFor();
    const cards = await compared(...POLICIES.map(policyFile));
    const texts = await cells.evaluateAll((found) =>
      found.map((cell) => {
        const { dataset, textContent } = cell as unknown as {
          readonly dataset: Readonly<Record<string, string>>;
          readonly textContent: string;
        };
        return [dataset["field"]!, dataset["policy"]!, textContent.trim().split(/\s{2,}|\[/)[0]!];
      }),
    );
    expect(texts.length).toBe(FIELDS.length * POLICIES.length);
    for (const [field, policy, text] of texts as [string, string, string][]) {
      expect([field, policy, text.startsWith(shown(cards[policy]!, field))]).toEqual([
        field,
        policy,
        true,
      ]);
    }
    await close(page);
  });

  it("offers a draft from this history as the first step, in either theme", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await opened("");
      await page.emulateMedia({ colorScheme });
      const step = page.locator("[data-first-step]");
      await step.waitFor();
      const command = `hindsight policy suggest --history ${lab.history}`;
      await step.getByText(command, { exact: true }).waitFor();
      expect(await step.getByRole("button", { name: "Copy the command" }).isVisible()).toBe(true);
      await close(page);
    }
  });

  it("shows the causes that compare --json has", async () => {
    const page = await opened("compare");
    const rows = page.locator("tr[data-cause]");
    await rows.first().waitFor();
    const shownCauses = await rows.evaluateAll((found) =>
      found.map((row) => (row as unknown as { dataset: { cause: string } }).dataset.cause),
    );
    const cards = Object.values(await compared(...POLICIES.map(policyFile)));
    const known = (of: "misses" | "falseRollbacks"): readonly string[] => [
      ...new Set(cards.flatMap(({ causes }) => causes![of].map(({ cause }) => cause))),
    ];
    expect([...shownCauses].sort()).toEqual(
      [...known("misses"), ...known("falseRollbacks")].sort(),
    );
    expect(shownCauses.length).toBeGreaterThan(2);
    await close(page);
  });

  it("says the differences, turns them round with the baseline, and shares both", async () => {
    const page = await opened("compare");
    const mttr = page.locator("li[data-field=mttr]");
    await mttr.waitFor();
    expect(await mttr.getAttribute("data-policy")).toBe("two-minute-override");
    await page.getByLabel("baseline").selectOption("two-minute-override");
    await page.locator("li[data-field=mttr][data-policy=naive-threshold]").waitFor();
    const { pathname, search } = new URL(page.url());
    const again = await opened(pathname + search);
    await again.locator("li[data-field=mttr]").waitFor();
    const [here, there] = await Promise.all(
      [page, again].map((one) => one.locator("section:has(#differences)").innerText()),
    );
    expect(there).toBe(here);
    expect(here).toContain("0 → 11, too few to tell: 3.6 effective services; five are needed");
    await close(again);
    await close(page);
  });

  it("filters what ends differently by the address, and leads to the deployment", async () => {
    const page = await opened("compare");
    const rows = page.locator("table:has(caption:text('end differently')) tbody tr");
    await rows.first().waitFor();
    const all = await rows.count();
    const { flips, flippedDeployments } = (await json(
      ...["compare", "--history", lab.history],
      ...POLICIES.flatMap((name) => ["--policy", policyFile(name)]),
    )) as {
      readonly flips: readonly { readonly label: string }[];
      readonly flippedDeployments: number;
    };
    expect(all).toBe(flippedDeployments);
    const benign = flips.filter(({ label }) => label === "benign").length;
    await page.getByLabel("label", { exact: true }).selectOption("benign");
    await expect.poll(() => rows.count()).toBe(benign);
    expect(page.url()).toContain("label=benign");
    await page.reload();
    await rows.first().waitFor();
    expect(await rows.count()).toBe(benign);
    const link = rows.first().getByRole("link");
    const id = await link.innerText();
    await link.click();
    await expect.poll(() => page.locator("h1").innerText()).toBe(id);
    await close(page);
  });

  it("opens with the lesson that explain prints, and with its chart in sight", async () => {
    const page = await opened(`deployment?id=${DEPLOYMENT}&zone=utc`);
    const says = page.locator(".lesson .says");
    const shown = async () => (await says.allInnerTexts()).join(" ");
    for (const policy of POLICIES) {
      if (policy !== POLICIES[0]) {
        await page.getByLabel("lesson, bands and tree of").selectOption(policy);
        await page.waitForURL(/focus=/);
      }
      const about = ["--policy", policyFile(policy), "--deployment", DEPLOYMENT];
      const { stdout } = await hindsight(["explain", "--history", lab.history, ...about]);
      const lesson = stdout.slice(0, stdout.indexOf("\n\n")).replaceAll(/\s+/g, " ");
      const wanted = lesson.replaceAll(/(History|[a-z-]+-[a-z]+): | UTC/g, "");
      expect(wanted).toMatch(/^Rolled back at 21:50: latency/);
      await expect.poll(shown, { timeout: 60_000 }).toBe(wanted);
    }
    const { y, height } = await settledBox(page.locator(".plot canvas").first());
    expect(y + height).toBeLessThan(900);
    // Only the name of a policy has its colour.
    const colours = await page
      .locator(".lane svg [data-span] rect, .lane svg [data-span] polygon")
      .evaluateAll((shapes) =>
        // Elements of the test's own page; the browser's types are not this file's.
        shapes.map((one) => (one as unknown as { outerHTML: string }).outerHTML),
      );
    expect(colours.length).toBeGreaterThan(0);
    expect(colours.filter((one) => one.includes("--policy-"))).toEqual([]);
    await close(page);
  });

  it("draws a lane for each policy that ends as replay --json says", async () => {
    const page = await opened(`deployment?id=${DEPLOYMENT}&focus=two-minute-override`);
    await page.locator(".lane").first().waitFor();
    for (const policy of POLICIES) {
      const { outcomes } = (await json(
        ...["replay", "--history", lab.history, "--policy", policyFile(policy)],
      )) as { readonly outcomes: readonly { deploymentId: string; end: string }[] };
      const { end } = outcomes.find(({ deploymentId }) => deploymentId === DEPLOYMENT)!;
      const lane = page.locator(`.lane[data-lane=${policy}]`);
      expect(await lane.locator("summary").getAttribute("data-end")).toBe(end);
    }
    const metric = page.locator("figure[data-metric=latency_p95_ms]");
    await metric.getByText("a tag moves the tolerance").waitFor();
    await metric.getByText("table of latency_p95_ms").click();
    await metric.locator("tbody tr").first().waitFor();
    await close(page);
  });

  it("zooms where one drags, moves by keys, and an address brings it back", async () => {
    const page = await opened(`deployment?id=${DEPLOYMENT}`);
    const plot = page.locator("figure[data-metric=latency_p95_ms] .u-over");
    await page
      .locator("figure[data-metric=latency_p95_ms][data-samples]:not([data-samples=''])")
      .waitFor();
    await page.waitForLoadState("networkidle");
    await plot.scrollIntoViewIfNeeded();
    const box = await settledBox(plot);
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.4, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 6 });
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    const span = (): number => {
      const { searchParams } = new URL(page.url());
      return Date.parse(searchParams.get("to")!) - Date.parse(searchParams.get("from")!);
    };
    const zoomed = span();
    const whole = zoomed / 0.2;
    expect(whole).toBeGreaterThan(1.5 * 3_600_000);
    const address = page.url();
    await page.reload();
    await plot.waitFor();
    expect(page.url()).toBe(address);
    await page.getByRole("region", { name: /^over time/ }).focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.url()).not.toBe(address);
    expect(Math.abs(span() - zoomed)).toBeLessThan(5);
    await page.keyboard.press("0");
    await expect.poll(() => page.url()).not.toContain("from=");
    await close(page);
  });

  it("answers what-if while a slider moves, and then as compare does of the file", async () => {
    const page = await opened("what-if?base=two-minute-override");
    await page.locator("[data-precision=exact]").waitFor();
    const nothing = page.getByText("Nothing is changed, so nothing differs.");
    expect(await nothing.count()).toBe(1);
    const slider = page.getByLabel("override window", { exact: true });
    await slider.focus();
    for (let press = 0; press < 3; press += 1) await page.keyboard.press("ArrowRight");
    await page.waitForURL(/set=tiers\.override\.window/);
    await page.locator("#change ~ .words li").first().waitFor();
    await page.locator("[data-precision=exact]").waitFor();
    expect(await nothing.count()).toBe(0);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByText("Download").click(),
    ]);
    const changed = join(temporaryDirectory(), "changed.yaml");
    writeFileSync(changed, readFileSync(await download.path()));
    const cards = await compared(policyFile("two-minute-override"), changed);
    const name = "two-minute-override-changed";
    for (const field of ["mttr", "falsePositiveRollbacks", "pagesPerWeek", "cost"]) {
      const cell = page.locator(`tr[data-field="${field}"] td.strong`);
      expect([field, await cell.innerText()]).toEqual([field, shown(cards[name]!, field)]);
    }
    await page.reload();
    await expect.poll(() => page.locator("[data-precision=exact]").count()).toBe(1);
    expect(await page.getByText("back to 2m").count()).toBe(1);
    await close(page);
  });

  it.each(viewsOf(DEPLOYMENT))("$name: axe finds nothing serious", async ({ path, settled }) => {
    for (const colorScheme of ["light", "dark"] as const) {
      // Axe is a script of the test's own, which our pages would not let in.
      const page = await lab.open(path, { colorScheme, bypassCSP: true });
      await page.locator(settled).first().waitFor({ timeout: 90_000 });
      expect([colorScheme, await seriousFindings(page)]).toEqual([colorScheme, []]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect([colorScheme, await overflow(page)]).toEqual([colorScheme, 0]);
      expect([colorScheme, await seriousFindings(page)]).toEqual([colorScheme, []]);
      await close(page);
    }
  });

  it("asks nobody else, and nothing was refused or went wrong", () => {
    expect(lab.strangers).toEqual([]);
    expect(lab.complaints).toEqual([]);
  });
});
