/**
 * Chooses a rung of every ladder: the most sensitive ones under which no larger share of watches
 * is flagged, by any signal, than was asked for, neither of the quiet ones nor, where there are
 * labels, of the benign deployments.
 *
 * A share is taken for half a watch more than was counted, but none is always few enough: of few
 * watches no more can be asked.
 */

import { judgementsOf, parsePolicy, type Policy } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import { sha256 } from "../policy/load.ts";
import type { Progress } from "../progress.ts";
import { watchHistory } from "../replay/replay.ts";
import { durationText, signalOf, type Ladder, type Rung } from "./candidates.ts";

/** What a rung did, by past: places of the watches that it flagged. */
export interface Tried {
  readonly rung: Rung;
  readonly flagged: readonly ReadonlySet<number>[];
}

export interface Choice {
  readonly ladder: Ladder;
  /** Null: too wild for any rung, and then left out. */
  readonly chosen: Tried | null;
  /** By past: what the least sensitive rung flagged. */
  readonly least: readonly number[];
}

export interface Chosen {
  readonly choices: readonly Choice[];
  /** By past: how many watches, and those that some chosen signal flagged. */
  readonly pasts: readonly { readonly watches: number; readonly flagged: number }[];
}

/** As a policy allows at most (limits.ts); more candidates are asked as several policies. */
const SIGNALS_AT_MOST = 60;

/**
 * @param pasts in each of which every flag is a false alarm
 * @param share of the watches of each that may be flagged
 */
export async function choose(
  pasts: readonly Past[],
  ladders: readonly Ladder[],
  share: number,
  watchMs: number,
  progress: Progress,
): Promise<Chosen> {
  const tried = await tryAll(pasts, ladders, watchMs, progress);
  const counts = pasts.map(({ tables }) => tables.deployments.length);
  const isWithin = (flagged: number, past: number): boolean =>
    flagged === 0 || (flagged + 0.5) / (counts[past]! + 1) <= share;
  const at = ladders.map((_, index) => {
    const found = tried[index]!.findIndex(({ flagged }) =>
      flagged.every((places, past) => isWithin(places.size, past)),
    );
    return found < 0 ? tried[index]!.length : found;
  });
  const now = (index: number): Tried | null => tried[index]![at[index]!] ?? null;
  const union = (past: number): number => {
    const all = new Set<number>();
    ladders.forEach((_, index) => now(index)?.flagged[past]!.forEach((place) => all.add(place)));
    return all.size;
  };
  // Each alone is within the share; together they need not be. The one with the most alarms yields.
  for (;;) {
    const past = pasts.findIndex((_, index) => !isWithin(union(index), index));
    if (past < 0) break;
    const sizes = ladders.map((_, index) => now(index)?.flagged[past]!.size ?? 0);
    at[sizes.indexOf(Math.max(...sizes))]!++;
  }
  return {
    choices: ladders.map((ladder, index) => ({
      ladder,
      chosen: now(index),
      least: tried[index]!.at(-1)!.flagged.map(({ size }) => size),
    })),
    pasts: counts.map((watches, past) => ({ watches, flagged: union(past) })),
  };
}

/** Every rung of every ladder on every watch, in one pass over the samples of each past. */
async function tryAll(
  pasts: readonly Past[],
  ladders: readonly Ladder[],
  watchMs: number,
  progress: Progress,
): Promise<readonly (readonly Tried[])[]> {
  const all = ladders.flatMap((ladder, place) =>
    ladder.rungs.map((rung, step) => ({ ladder, rung, name: `${place}_${step}` })),
  );
  const policies: Policy[] = [];
  for (let from = 0; from < all.length; from += SIGNALS_AT_MOST) {
    const some = all.slice(from, from + SIGNALS_AT_MOST);
    const signals = some.map(({ ladder, rung, name }) => [name, signalOf(ladder, rung)] as const);
    policies.push(policyFor(new Map(signals), watchMs));
  }
  const flagged = new Map(all.map(({ name }) => [name, pasts.map(() => new Set<number>())]));
  for (const [past, history] of pasts.entries()) {
    const { plan, judged } = await watchHistory(history, policies, progress);
    progress.end();
    for (const watches of judged) {
      plan.deployments.forEach(({ deployment }, place) => {
        for (const { evidence } of judgementsOf(watches[place]!, deployment)) {
          if (evidence.verdict === "breach") flagged.get(evidence.signal)![past]!.add(place);
        }
      });
    }
  }
  return ladders.map((ladder, place) =>
    ladder.rungs.map((rung, step) => ({ rung, flagged: flagged.get(`${place}_${step}`)! })),
  );
}

function policyFor(signals: ReadonlyMap<string, unknown>, watchMs: number): Policy {
  const written = {
    policy: "candidates",
    owner: "none",
    watch: durationText(watchMs),
    signals: Object.fromEntries(signals),
    assign: [{ otherwise: "observe" }],
  };
  const { policy, issues } = parsePolicy(written, sha256);
  if (policy !== null) return policy;
  const [first] = issues;
  throw new Error(`a candidate is no policy: ${first?.path.join(".")} ${first?.message}`);
}
