/** The server goes away and comes back: a page keeps its numbers, says so, and mends itself. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLab, type Lab } from "./lab.ts";
import { CHROMIUM, WITHOUT } from "./page.ts";

const DEPLOYMENT = "pricing-20260909-3";
let lab: Lab;

async function opened(path: string, settled: string): Promise<Page> {
  const page = await lab.open(path);
  page.setDefaultTimeout(60_000);
  await page.locator(settled).first().waitFor();
  return page;
}

const isOld = (page: Page): Promise<number> => page.locator("main.old").count();
const said = (page: Page) => page.getByText("Disconnected, retrying.");
const numbers = (page: Page): Promise<string[]> => page.locator("td[data-field]").allInnerTexts();

describe.skipIf(CHROMIUM === null)(
  `a server that goes away${WITHOUT}`,
  { timeout: 240_000 },
  () => {
    beforeAll(async () => {
      lab = await startLab(["naive-threshold", "two-minute-override"]);
    });
    afterAll(async () => lab.close());

    it("leaves every page with its numbers in grey, and brings them back", async () => {
      const compare = await opened("compare", "td[data-field]");
      const deployment = await opened(`deployment?id=${DEPLOYMENT}`, ".why li.decision");
      const whatIf = await opened(
        "what-if?base=two-minute-override&set=tiers.override.window%3D4m",
        "[data-precision=exact]",
      );
      // The other views are fetched before anybody asks for them.
      await compare.waitForTimeout(4000);
      const before = await numbers(compare);
      expect(before.length).toBeGreaterThan(5);

      await lab.restart("SIGKILL", async () => {
        for (const page of [compare, deployment, whatIf]) {
          await said(page).waitFor();
          expect(await isOld(page)).toBe(1);
        }
        expect(await numbers(compare)).toEqual(before);
        expect(await deployment.locator(".lane").count()).toBe(2);
        // Turning a control asks on, and tells no falsehood meanwhile.
        const slider = whatIf.getByLabel("override window", { exact: true });
        await slider.focus();
        await whatIf.keyboard.press("ArrowRight");
        await whatIf.waitForTimeout(1500);
        expect(await whatIf.getByText("Nothing is changed").count()).toBe(0);
        expect(await whatIf.getByRole("alert").count()).toBe(0);
        // Another view is no blank page.
        await deployment.getByRole("link", { name: "Deployments", exact: true }).click();
        await deployment.getByRole("heading", { name: "Deployments" }).waitFor();
        expect(await said(deployment).count()).toBe(1);
      });

      for (const page of [compare, deployment, whatIf]) {
        await said(page).waitFor({ state: "detached" });
        await expect.poll(() => isOld(page), { timeout: 60_000 }).toBe(0);
      }
      await expect.poll(() => numbers(compare), { timeout: 60_000 }).toEqual(before);
      await deployment.locator("td .end").first().waitFor();
      await whatIf.locator("[data-precision=exact]").waitFor();
      expect(await whatIf.getByText("Nothing is changed").count()).toBe(0);
      for (const page of [compare, deployment, whatIf]) await page.context().close();
    });

    it("says what was not saved, with a way to try again", async () => {
      const page = await opened("sweep", "main form");
      await lab.restart("SIGKILL", async () => {
        await page.getByRole("button", { name: /^Start/ }).click();
        await page.getByRole("heading", { name: "The server does not answer" }).waitFor();
      });
      await said(page).waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Try again" }).click();
      await page.waitForURL(/[?&]id=s\d+/);
      await page.context().close();
    });

    it("never shows one policy's reasons under another one's name", async () => {
      const page = await opened(`deployment?id=${DEPLOYMENT}`, ".why li.decision");
      await page.route(/\/explain\?/, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await route.continue();
      });
      await page.getByLabel("bands and tree of").selectOption("two-minute-override");
      await page.getByRole("heading", { name: "Why, under two-minute-override" }).waitFor();
      expect(await page.locator(".why li").count()).toBe(0);
      await page.locator(".why li").first().waitFor();
      await page.context().close();
    });
  },
);
