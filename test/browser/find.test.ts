/** A user looks for a deployment: by words, by day, by where policies differ; also on a phone. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeploymentList } from "../../lab/server/contract/deployments.ts";
import { overflow, startLab, type Lab } from "./lab.ts";
import { CHROMIUM, settledBox, WITHOUT } from "./page.ts";

let lab: Lab;
let list: DeploymentList;
const PHONE = { viewport: { width: 390, height: 844 } } as const;

const rowsOf = (page: Page) => page.locator("table:has(caption:text('Deployments')) tbody tr");

describe.skipIf(CHROMIUM === null)(`finding a deployment${WITHOUT}`, { timeout: 300_000 }, () => {
  beforeAll(async () => {
    lab = await startLab(["naive-threshold", "two-minute-override"]);
    // The ends are there when the first list in the browser is.
    const page = await lab.open("deployment");
    await page.locator("td .end").first().waitFor({ timeout: 60_000 });
    await page.context().close();
    list = (await (await fetch(`${lab.url}api/deployments?limit=500`)).json()) as DeploymentList;
  });
  afterAll(async () => lab.close());

  it("by service and clock, whatever the case, and shares what it found", async () => {
    const wanted = list.deployments[3]!;
    const clock = new Date(wanted.startedAt).toLocaleTimeString("en-GB", {
      timeZone: "Europe/Berlin",
      hour: "2-digit",
      minute: "2-digit",
    });
    const page = await lab.open("deployment");
    await rowsOf(page).first().waitFor();
    await page.getByLabel("find").fill(`${wanted.service.toUpperCase()} ${clock}`);
    await expect.poll(() => rowsOf(page).count()).toBeLessThan(list.deployments.length);
    const ids = await rowsOf(page).getByRole("link").allInnerTexts();
    expect(ids).toContain(wanted.deploymentId);
    await page.reload();
    await rowsOf(page).first().waitFor();
    expect(await rowsOf(page).getByRole("link").allInnerTexts()).toEqual(ids);
    await page.context().close();
  });

  it("by where policies differ, and by a day of the calendar", async () => {
    const page = await lab.open("deployment");
    await rowsOf(page).first().waitFor();
    await page.getByLabel("only where policies differ").check();
    const differing = list.deployments.filter(
      ({ ends }) => new Set(Object.values(ends).map(({ end }) => end)).size > 1,
    );
    expect(differing.length).toBeGreaterThan(0);
    await expect.poll(() => rowsOf(page).count()).toBe(differing.length);
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    await expect.poll(() => rowsOf(page).count()).toBe(list.deployments.length);

    const day = page.locator("button[data-day]:enabled").first();
    const told = await day.locator(".unseen").textContent();
    await day.click();
    const count = Number(/: (\d+) deployment/.exec(told!)![1]);
    await expect.poll(() => rowsOf(page).count()).toBe(count);
    expect(page.url()).toContain(`day=${await day.getAttribute("data-day")}`);
    await page.context().close();
  });

  it("on a phone: cards, nothing beyond the edge, and the tab one is at", async () => {
    const page = await lab.open("decisions", PHONE);
    const tab = page.locator("nav [aria-current=page]");
    await tab.waitFor();
    await expect
      .poll(async () => {
        const { x, width } = (await tab.boundingBox())!;
        return x >= 0 && x + width <= 390;
      })
      .toBe(true);
    await page.goto(`${lab.url}deployment`);
    await rowsOf(page).first().waitFor();
    expect(await overflow(page)).toBe(0);
    const box = await settledBox(rowsOf(page).first());
    expect(box.x + box.width).toBeLessThanOrEqual(390);
    expect(await page.locator("thead").first().isVisible()).toBe(false);
    await page.getByLabel("order").selectOption("-started");
    await expect.poll(() => page.url()).toContain("sort=-started");
    const first = rowsOf(page).first().getByRole("link");
    await expect.poll(() => first.innerText()).toBe(list.deployments.at(-1)!.deploymentId);
    await page.context().close();
  });

  it("closes the menu of policies with Escape, and it is inside the window", async () => {
    for (const width of [1280, 390]) {
      const page = await lab.open("compare", { viewport: { width, height: 900 } });
      const opener = page.locator("details.dropdown summary");
      await opener.click();
      const box = await settledBox(page.locator("details.dropdown ul"));
      expect([box.x >= 0, box.x + box.width <= width]).toEqual([true, true]);
      await page.locator("details.dropdown input:enabled").first().focus();
      await page.keyboard.press("Escape");
      await expect.poll(() => page.locator("details.dropdown[open]").count()).toBe(0);
      expect(await page.locator("details.dropdown > summary:focus").count()).toBe(1);
      await page.context().close();
    }
  });

  it("prints in light, without navigation", async () => {
    const page = await lab.open("compare", { colorScheme: "dark" });
    await page.locator("td[data-field]").first().waitFor();
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await expect.poll(() => page.locator("html").getAttribute("data-theme")).toBe("light");
    expect(await page.getByRole("navigation", { name: "Views" }).isVisible()).toBe(false);
    await page.emulateMedia({ media: "screen", colorScheme: "dark" });
    await expect.poll(() => page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.context().close();
  });

  it("asks nobody else, and nothing went wrong", () => {
    expect([lab.strangers, lab.complaints]).toEqual([[], []]);
  });
});
