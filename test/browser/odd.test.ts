/**
 * Histories and choices at the edge, as a reader meets them: nothing labelled, one policy, eight of
 * them, no deployment at all, and hands that stay on the keyboard. Every page says something true,
 * and none is wider than a phone.
 */

import type { Page } from "playwright-core";
import { afterEach, describe, expect, it } from "vitest";
import { tinyHistory, type TinyDeployment } from "../history/tinyHistory.ts";
import { overflow, startLab, type Lab } from "./lab.ts";
import { CHROMIUM, settledBox, WITHOUT } from "./page.ts";

const SLOW = { slow: [5, 60] } as const;
const EIGHT = [
  "two-minute-override",
  "five-minute-override",
  "full-autonomy",
  "human-approval",
  "naive-threshold",
  "tagged-threshold",
  "business-hours",
  "three-tiers",
];
const PAGES = ["compare", "deployment", "deployment?id=d-a", "what-if", "sweep", "tags"] as const;

let lab: Lab;
let page: Page;

async function serve(
  policies: readonly string[],
  deployments: Readonly<Record<string, TinyDeployment>>,
): Promise<void> {
  const history = await tinyHistory(deployments);
  history.close();
  lab = await startLab(policies, history.dir);
  page = await lab.open("compare");
  page.setDefaultTimeout(90_000);
}

/** Every page, with what it says when it has come. */
async function said(): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const path of PAGES) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(lab.url + path);
    await page.locator("main h1").first().waitFor();
    await page.waitForLoadState("networkidle");
    const waits = page.locator("main [role=status]");
    await expect.poll(() => waits.count(), { timeout: 90_000 }).toBe(0);
    texts.set(path, (await page.locator("main").innerText()).replaceAll(/\s+/g, " "));
    expect([path, await page.getByRole("button", { name: "Try again" }).count()]).toEqual([
      path,
      0,
    ]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect([path, await overflow(page)]).toEqual([path, 0]);
  }
  for (const [path, text] of texts) expect([path, text]).toEqual([path, plain(text)]);
  expect(lab.complaints).toEqual([]);
  return texts;
}

/** Without what no reader should meet. */
const plain = (text: string): string => text.replaceAll(/NaN|undefined|\[object|Infinity/g, "☠");

describe.skipIf(CHROMIUM === null)(`pages at the edge${WITHOUT}`, { timeout: 240_000 }, () => {
  afterEach(async () => lab.close());

  it("show a history without labels, and one policy alone", async () => {
    await serve(["two-minute-override"], { a: SLOW, b: {}, c: SLOW });
    const texts = await said();
    expect(texts.get("deployment?id=d-a")).toContain(
      "it is unknown whether the rollback was right",
    );
  });

  it("show eight policies, and over the charts the lane of the one in focus only", async () => {
    await serve(EIGHT, { a: { ...SLOW, label: "benign" }, b: { label: "benign" } });
    const texts = await said();
    for (const name of EIGHT) expect(texts.get("compare")).toContain(name);
    await page.goto(`${lab.url}deployment?id=d-a&focus=naive-threshold`);
    await page.locator(".plot canvas").first().waitFor();
    const [first, chart, second] = await Promise.all(
      [
        page.locator("[data-lane]").first(),
        page.locator(".plot canvas").first(),
        page.locator("[data-lane]").nth(1),
      ].map(async (one) => (await settledBox(one)).y),
    );
    expect(first!).toBeLessThan(chart!);
    expect(second!).toBeGreaterThan(chart!);
    expect(await page.locator("[data-lane]").first().getAttribute("data-lane")).toBe(
      "naive-threshold",
    );
    expect(await page.locator("[data-lane]").count()).toBe(EIGHT.length);
  });

  it("say of an empty history that there is nothing to replay", async () => {
    await serve(["two-minute-override", "naive-threshold"], {});
    for (const path of ["compare", "what-if"]) {
      await page.goto(lab.url + path);
      await page
        .getByText(/matches any series of this history/)
        .first()
        .waitFor();
      expect(await overflow(page)).toBe(0);
    }
    await page.goto(`${lab.url}deployment`);
    await page.getByText("0 deployments").first().waitFor();
  });

  it("lead by the keyboard alone from the list to a deployment and back", async () => {
    await serve(["two-minute-override", "naive-threshold"], {
      a: { ...SLOW, label: "benign" },
      b: { label: "benign" },
    });
    await page.goto(`${lab.url}deployment`);
    await page.locator("td .end").first().waitFor();
    /** Tabs on until this has the focus. */
    const reach = async (selector: string): Promise<void> => {
      for (let step = 0; step < 80; step += 1) {
        await page.keyboard.press("Tab");
        if ((await page.locator(`${selector}:focus`).count()) > 0) return;
      }
      throw new Error(`no way by Tab to ${selector}`);
    };
    await page.keyboard.press("Tab");
    expect(await page.locator("a.skip:focus").count()).toBe(1);
    await page.keyboard.press("Enter");
    await reach("input[type=search]");
    await page.keyboard.type("d-a");
    await expect.poll(() => page.locator("td .end").count()).toBe(2);
    await reach("tbody a");
    await page.keyboard.press("Enter");
    await page.locator("[data-lesson=two-minute-override]").waitFor();
    await reach("[data-lesson] select");
    await page.keyboard.press("ArrowDown");
    await page.locator("[data-lesson=naive-threshold]").waitFor();
    await reach("details.facts summary");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "What history did" }).waitFor();
    await page.goBack();
    await expect.poll(() => page.locator("td .end").count()).toBe(2);
    expect(lab.complaints).toEqual([]);
  });
});
