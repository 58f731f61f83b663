/**
 * What if under a hand that does not stop: fifty changes of ten controls. What is turned is painted
 * at once, however long the server takes, and the intervals of the last change come as if it had
 * been the only one.
 */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLab, type Lab } from "./lab.ts";
import { CHROMIUM, WITHOUT } from "./page.ts";

const CHANGES = 50;
const KNOBS = 10;
/** On a machine that is busy with other tests. Alone it is 16 ms, and the aim is 100. */
const PAINTED_MS = 500;
/** How late the server answers here. */
const LATE_MS = 2000;

let lab: Lab;

/** By change, how long it took from the input to the frame that shows it. */
const WATCH = `
  window.painted = [];
  document.addEventListener("input", ({ target }) => {
    const began = performance.now();
    const output = target.closest("[data-knob]").querySelector("output");
    const before = output.textContent;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const ms = performance.now() - began;
        window.painted.push(output.textContent === before ? null : ms);
      };
      port2.postMessage(null);
    });
  }, true);
`;

async function opened(): Promise<Page> {
  const page = await lab.open("decisions");
  page.setDefaultTimeout(120_000);
  await page.addInitScript(WATCH);
  await page.goto(`${lab.url}what-if?base=two-minute-override`);
  await page.locator("[data-precision=exact]").waitFor();
  return page;
}

/** Turns ten controls one after the other, up and then down again. */
async function turn(page: Page, changes: number, pauseMs: number): Promise<void> {
  const sliders = page.locator("[data-knob] input[type=range]:visible");
  expect(await sliders.count()).toBeGreaterThanOrEqual(KNOBS);
  for (let change = 0; change < changes; change += 1) {
    await sliders.nth(change % KNOBS).focus();
    await page.keyboard.press(Math.floor(change / KNOBS) % 2 === 0 ? "ArrowRight" : "ArrowLeft");
    await page.waitForTimeout(pauseMs);
  }
}

async function untilExact(page: Page): Promise<number> {
  const began = performance.now();
  await page.locator("[data-precision=exact]").waitFor();
  return performance.now() - began;
}

describe.skipIf(CHROMIUM === null)(`a hand on What if${WITHOUT}`, { timeout: 240_000 }, () => {
  beforeAll(async () => {
    lab = await startLab(["two-minute-override"]);
  });
  afterAll(async () => lab.close());

  it("sees what it turns at once, while the server is still at its answer", async () => {
    const page = await opened();
    await page.route("**/api/what-if", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, LATE_MS));
      await route.continue().catch(() => undefined);
    });
    await turn(page, CHANGES, 20);
    const painted = await page.evaluate<readonly (number | null)[]>("window.painted");
    expect(painted).toHaveLength(CHANGES);
    const known = painted.filter((ms) => ms !== null);
    // A control at its end does not move.
    expect(known.length).toBeGreaterThan(CHANGES / 2);
    const p95 = known.toSorted((a, b) => a - b)[Math.floor(0.95 * known.length)]!;
    expect(p95).toBeLessThan(PAINTED_MS);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.context().close();
  });

  it("gets the intervals of its last change as soon as of a single one", async () => {
    const page = await opened();
    await turn(page, 1, 600);
    const alone = await untilExact(page);
    // Slow enough that each change asks for its intervals, which nobody waits for any more.
    await turn(page, CHANGES, 450);
    const last = await untilExact(page);
    expect(last).toBeLessThan(4 * alone + 5000);
    await page.context().close();
  });
});
