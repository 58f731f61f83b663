/**
 * What if under a hand that does not stop: fifty changes of ten controls. What is turned is painted
 * at once, however long the server takes, and nothing is asked for any more that a later change
 * made stale.
 */

import type { Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WhatIfRequest } from "../../lab/server/contract/whatIf.ts";
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

/** How many exact answers were asked for at a time, and in whose name. */
function watchExact(page: Page): { readonly most: number; readonly askers: Set<unknown> } {
  const open = new Set<Request>();
  const seen = { most: 0, askers: new Set<unknown>() };
  page.on("request", (request) => {
    if (!request.url().endsWith("/api/what-if")) return;
    const { precision, asker } = request.postDataJSON() as WhatIfRequest;
    if (precision !== "exact") return;
    open.add(request);
    seen.most = Math.max(seen.most, open.size);
    seen.askers.add(asker);
  });
  page.on("requestfinished", (request) => open.delete(request));
  page.on("requestfailed", (request) => open.delete(request));
  return seen;
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

  it("asks for the intervals of its last change only, and gets them", async () => {
    const page = await opened();
    const exact = watchExact(page);
    // Slow enough that each change asks for its intervals, which nobody waits for any more.
    await turn(page, CHANGES, 450);
    await page.locator("[data-precision=exact]").waitFor();
    // The server drops what the same page asked before (test/server/newest.test.ts).
    expect([exact.most, exact.askers.size]).toEqual([1, 1]);
    expect(exact.askers).not.toContain(undefined);
    await page.context().close();
  });
});
