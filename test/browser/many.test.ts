/** A list of 5,000 services: the page holds a hundred rows, and the ways to all the others. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeploymentList } from "../../lab/server/contract/deployments.ts";
import { manyServices } from "../history/manyServices.ts";
import { overflow, startLab, type Lab } from "./lab.ts";
import { CHROMIUM, WITHOUT } from "./page.ts";

const SERVICES = 5000;

let lab: Lab;
let page: Page;

const rows = () => page.locator("table:has(caption:text('Deployments')) tbody tr");
const links = () => rows().getByRole("link").allInnerTexts();
const first = () => rows().first().getByRole("link");

async function wanted(query: string): Promise<readonly string[]> {
  for (;;) {
    const response = await fetch(`${lab.url}api/deployments?${query}`);
    if (response.status === 202) continue;
    const { deployments } = (await response.json()) as DeploymentList;
    return deployments.map(({ deploymentId }) => deploymentId);
  }
}

describe.skipIf(CHROMIUM === null)(`5,000 services${WITHOUT}`, { timeout: 240_000 }, () => {
  beforeAll(async () => {
    const history = await manyServices(SERVICES, 2);
    lab = await startLab(["two-minute-override", "naive-threshold"], history);
    page = await lab.open("deployment");
    page.setDefaultTimeout(60_000);
    await page.getByText("1 to 100 of 10,000").first().waitFor();
  }, 240_000);
  afterAll(async () => lab.close());

  it("are shown a hundred at a time, and the address keeps the place", async () => {
    expect(await rows().count()).toBe(100);
    const ways = page.getByRole("navigation", { name: "Pages", exact: true });
    const below = page.getByRole("navigation", { name: "Pages, below the list" });
    await below.getByRole("button", { name: "Next" }).click();
    await page.getByText("101 to 200 of 10,000").first().waitFor();
    const second = await wanted("offset=100");
    expect(await links()).toEqual(second);
    // The keyboard is where it was, and leads on.
    await page.keyboard.press("Enter");
    await page.getByText("201 to 300 of 10,000").first().waitFor();
    expect(page.url()).toContain("row=200");
    const third = await links();
    await first().click();
    await page.getByRole("heading", { level: 1, name: third[0]! }).waitFor();
    await page.goBack();
    await page.getByText("201 to 300 of 10,000").first().waitFor();
    expect(await links()).toEqual(third);
    await page.reload();
    await page.getByText("201 to 300 of 10,000").first().waitFor();
    expect(await links()).toEqual(third);
    await ways.getByRole("button", { name: "Last" }).click();
    await page.getByText("9,901 to 10,000 of 10,000").first().waitFor();
    expect(await links()).toEqual(await wanted("offset=9900"));
  });

  it("are sorted and found in all of them, from their start", async () => {
    await page.goto(`${lab.url}deployment?row=9900`);
    await page.getByText("9,901 to 10,000").first().waitFor();
    await page.getByRole("button", { name: /^deployment/ }).click();
    await expect.poll(() => first().innerText()).toBe("service-0000-0");
    await page.getByRole("button", { name: /^deployment/ }).click();
    await expect.poll(() => first().innerText()).toBe("service-4999-1");
    expect(page.url()).not.toContain("row=");
    await page.getByLabel("find").fill("SERVICE-0042");
    await expect.poll(links).toEqual(["service-0042-1", "service-0042-0"]);
    await page.getByText("2 of 10,000 deployments").waitFor();
    await page.getByLabel("find").fill("");
    await page.locator("button[data-day]:enabled").first().click();
    await page.getByText(/^\d+ of 10,000 deployments/).waitFor();
    await page.goto(`${lab.url}deployment?row=20000`);
    await page.getByText("none from 20,001 on").first().waitFor();
    await page.getByRole("button", { name: "First" }).first().click();
    await expect.poll(() => rows().count()).toBe(100);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflow(page)).toBe(0);
    expect([lab.strangers, lab.complaints]).toEqual([[], []]);
  });
});
