/**
 * Are all samples of a watch far from what is never called healthy, whatever is tolerated: from
 * the hard guard, and from many times the level?
 */

import type { SignalPolicy } from "../../policy/policy.ts";
import { APART, SAMPLES_AT_LEAST } from "../baseline/ongoing.ts";
import { MANY_TIMES } from "../evidence/finalEvidence.ts";
import { offsetAtMost, ROOM, type View } from "./glimpse.ts";
import type { Sway } from "./sway.ts";

/**
 * Is no sample at so many times the level, or at so small a part of it, that the series would not
 * be called healthy?
 */
export function isNeverManyTimes(
  { highest, lowest, medianAtLeast, medianAtMost }: View,
  { up, down }: Sway,
): boolean {
  const isMuch = highest * Math.exp(up) > MANY_TIMES * medianAtLeast * (1 - ROOM);
  return !isMuch && lowest * Math.exp(-down) * MANY_TIMES > medianAtMost * (1 + ROOM);
}

/**
 * Did no incident last when the deployment started (ongoing.ts)? Of one the last samples of the
 * baseline are all far out on one side.
 *
 * @param floor the least spread of a residual
 */
export function isSettled(
  { past, medianAtLeast, medianAtMost }: View,
  relative: boolean,
  floor: number,
  { narrower }: Sway,
): boolean {
  const room = Math.max(0, APART * floor - narrower);
  const high = relative ? medianAtLeast * Math.exp(room) : medianAtLeast + room;
  const low = relative ? medianAtMost * Math.exp(-room) : medianAtMost - room;
  let above = 0;
  let below = 0;
  for (let index = past.to - SAMPLES_AT_LEAST; index < past.to; index++) {
    if (past.values[index]! >= high - ROOM * Math.abs(high)) above++;
    if (past.values[index]! <= low + ROOM * Math.abs(low)) below++;
  }
  return above < SAMPLES_AT_LEAST && below < SAMPLES_AT_LEAST;
}

/** Is every sample far from what the hard guard calls harm? */
export function isFarFromGuard(
  { hardGuard, worse }: SignalPolicy,
  view: View,
  relative: boolean,
  sway: Sway,
): boolean {
  if (hardGuard === undefined) return true;
  const { times } = hardGuard;
  const expected = expectedIn(view, relative, sway);
  if (expected === null || !(expected.least > 0) || !(view.lowest > 0)) return false;
  const isMuch = worse !== "down" && view.highest > times * expected.least * (1 - ROOM);
  const isLittle = worse !== "up" && view.lowest * times < expected.most * (1 + ROOM);
  return !isMuch && !isLittle;
}

/** Bounds of the expected value, in the series' unit; null where none are known. */
function expectedIn(
  view: View,
  relative: boolean,
  { up, down }: Sway,
): { readonly least: number; readonly most: number } | null {
  const { medianAtLeast, medianAtMost } = view;
  if (!relative) return { least: medianAtLeast - up, most: medianAtMost + down };
  if (up === 0 && down === 0) return { least: medianAtLeast, most: medianAtMost };
  const offset = offsetAtMost(view);
  if (offset === null) return null;
  return {
    least: (medianAtLeast + offset) * Math.exp(-up) - offset,
    most: (medianAtMost + offset) * Math.exp(down) - offset,
  };
}
