/** The systems that are emulated, by name. A new one adds its file and one line here. */

import { assert } from "../assert.ts";
import { argo } from "./argo/rollout.ts";
import { flagger } from "./flagger.ts";
import type { Incumbent, IncumbentKind } from "./incumbent.ts";
import { kayenta } from "./kayenta/analysis.ts";
import { prometheus } from "./prometheus.ts";

/** A system whose plan and state only it can read. */
export type AnySystem = Incumbent<unknown, unknown>;

const ALL = new Map<IncumbentKind, AnySystem>([
  ["argo", argo],
  ["flagger", flagger],
  ["kayenta", kayenta],
  ["prometheus", prometheus],
]);

export const SYSTEMS: readonly IncumbentKind[] = [...ALL.keys()];

/** @throws InvariantError for a system that is not emulated */
export function systemOf(kind: IncumbentKind): AnySystem {
  const system = ALL.get(kind);
  assert(system !== undefined, `no such incumbent: ${kind}`);
  return system;
}
