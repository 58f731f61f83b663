/**
 * The coins of a history whose policy explored: which deployments waited, which were rolled back,
 * and how likely either was. Propensities come from outside, and everything is divided by them. So
 * one that is too small to divide by is refused.
 */

import type { Past } from "../history/open.ts";
import { PROPENSITY_AT_LEAST, type DecisionRow } from "../history/tables.ts";
import type { Recovery } from "../outcome/recovery.ts";
import { Problem } from "../problem.ts";
import type { Plan } from "../replay/plan.ts";
import { withRollbacks } from "./heldOut.ts";

export interface Toss {
  readonly atMs: number;
  readonly waited: boolean;
  /** How likely this outcome was, given all that the policy saw. */
  readonly propensity: number;
}

/**
 * By deployment, its first toss.
 *
 * @throws Problem where a propensity cannot be one
 */
export function tossesOf({ dir, tables }: Pick<Past, "dir" | "tables">): ReadonlyMap<string, Toss> {
  const tosses = new Map<string, Toss>();
  for (const row of tables.decisions) {
    const { deploymentId, atMs, what, propensity } = row;
    if (propensity == null) continue;
    const problem = problemOf(row, propensity);
    if (problem !== null) {
      throw new Problem(`${what} of ${deploymentId}: ${problem}`, {
        file: `${dir}/decisions.parquet`,
        cure:
          `Write how likely it was, from ${PROPENSITY_AT_LEAST} to 1, beside "waited" or ` +
          `"rollbackStarted", or leave \`propensity\` empty.`,
      });
    }
    if (!tosses.has(deploymentId)) {
      tosses.set(deploymentId, { atMs, waited: what === "waited", propensity });
    }
  }
  return tosses;
}

/** The tosses of the deployments of a plan, by their places in it. */
export function tossesIn(history: Past, { places }: Plan): ReadonlyMap<number, Toss> {
  const found = new Map<number, Toss>();
  for (const [id, toss] of tossesOf(history)) {
    const place = places.get(id);
    if (place !== undefined) found.set(place, toss);
  }
  return found;
}

/** The history had all that waited been rolled back at the toss; null where nothing waited. */
export function cutAtTosses(
  history: Past,
  { deployments }: Plan,
  tosses: ReadonlyMap<number, Toss>,
  recovery: Recovery,
): { readonly past: Past; readonly places: ReadonlySet<number> } | null {
  const waited = [...tosses].filter(([, toss]) => toss.waited);
  if (waited.length === 0) return null;
  const atMsOf = new Map(
    waited.map(([place, { atMs }]) => [deployments.at(place)!.deployment.deploymentId, atMs]),
  );
  return {
    past: { ...history, tables: withRollbacks(history.tables, atMsOf, recovery) },
    places: new Set(waited.map(([place]) => place)),
  };
}

function problemOf({ what }: DecisionRow, propensity: number): string | null {
  if (what !== "waited" && what !== "rollbackStarted") return "no coin decides this";
  if (propensity >= PROPENSITY_AT_LEAST && propensity <= 1) return null;
  return `a propensity of ${propensity} cannot be divided by`;
}
