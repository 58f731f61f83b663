/** A scale for each score that stays while a control is turned: so bars can be held together. */

import { marginOf } from "../../../lab/compare/margin.ts";
import type { LimitDocument } from "../../../lab/server/contract/verdict.ts";

export interface Scale {
  readonly domain: readonly [number, number];
  /** How much worse it may become, in the unit of the score; null: there is no limit. */
  readonly limit: number | null;
}

const SHARE_OF_BASE = 0.5;

/** To either side half of the base, or twice the limit where that is more. */
export function scaleOf(
  field: string,
  base: number | null,
  limits: readonly LimitDocument[],
): Scale {
  const margin = limits.find((one) => one.field === field)?.margin ?? null;
  // How many weeks are scored is not known here.
  const limit =
    margin === null || margin.of === "week" ? null : marginOf({ ...margin, text: "" }, base, 1);
  const reach = Math.max(2 * (limit ?? 0), SHARE_OF_BASE * Math.abs(base ?? 0));
  return { domain: reach === 0 ? [-1, 1] : [-reach, reach], limit };
}
