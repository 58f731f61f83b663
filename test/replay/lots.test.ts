/** Whatever a history is cut into, every window is read once, and with its own samples. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { StoredWindow } from "../../lab/history/windows.ts";
import { readByLots } from "../../lab/replay/lots.ts";
import { planReplay, type Plan } from "../../lab/replay/plan.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
}, HOOK_MS);
afterAll(() => history.close());

/** What was found for each deployment, series and day, by lots of so many windows. */
async function readIn(plan: Plan, windowsAtMost?: number): Promise<Found> {
  const found: Found = { lots: [], values: new Map() };
  const places = Int32Array.from(plan.deployments.keys());
  for (const lot of readByLots(history, plan, places, windowsAtMost)) {
    found.lots.push({ places: [...lot.places], windows: lot.asked.length });
    for await (const windows of lot.found) {
      for (const { id, window } of windows) {
        const { deployment, series, day } = lot.asked[id]!;
        const key = `${deployment} ${series} ${day}`;
        expect(found.values.has(key)).toBe(false);
        found.values.set(key, valuesOf(window));
      }
    }
  }
  return found;
}

interface Found {
  readonly lots: { places: readonly number[]; windows: number }[];
  readonly values: Map<string, readonly number[]>;
}

const valuesOf = ({ slices }: StoredWindow): number[] =>
  slices.flatMap(({ block, from, to }) => [...block.values.subarray(from, to)]);

it("in lots of any size", async () => {
  const plan = await planReplay(history, [shipped("two-minute-override")]);
  const whole = await readIn(plan, Number.POSITIVE_INFINITY);
  expect(whole.lots).toHaveLength(1);
  expect(whole.values.size).toBeGreaterThan(8 * plan.deployments.length);
  for (const windowsAtMost of [1, 100, undefined]) {
    const cut = await readIn(plan, windowsAtMost);
    expect(cut.values).toEqual(whole.values);
    const places = cut.lots.flatMap((lot) => lot.places);
    expect(places.sort((a, b) => a - b)).toEqual([...plan.deployments.keys()]);
    // A season's seven days are not counted.
    for (const lot of cut.lots) {
      if (lot.places.length > 1)
        expect(lot.windows).toBeLessThanOrEqual(8 * (windowsAtMost ?? 500));
    }
    if (windowsAtMost !== undefined) expect(cut.lots.length).toBeGreaterThan(1);
  }
});

it("and leaves nothing open where somebody stops early", async () => {
  const plan = await planReplay(history, [shipped("two-minute-override")]);
  const places = Int32Array.from(plan.deployments.keys());
  for (const lot of readByLots(history, plan, places, 100)) {
    for await (const windows of lot.found) {
      expect(windows.length).toBeGreaterThan(0);
      break;
    }
    break;
  }
  const again = await readIn(plan, 100);
  expect(again.values.size).toBeGreaterThan(0);
});
