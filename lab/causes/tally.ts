/** How often each cause occurs, in the form in which a scorecard has it. */

import type { JsonObject } from "../../engine/index.ts";
import { AGENT_CAUSES, type AgentCause } from "./agents.ts";
import {
  FALSE_CAUSES,
  MISS_CAUSES,
  type Cause,
  type FalseCause,
  type MissCause,
} from "./causes.ts";

/** One deployment in one draw. */
export interface Counted<Code> extends Cause<Code> {
  readonly deploymentId: string;
}

/** One cause of a policy's misses or false rollbacks. */
export interface CauseCount<Code> {
  readonly cause: Code;
  /** The mean over the draws. */
  readonly count: number;
  /** The same by signal, by rule or by what people did; empty where the cause names none. */
  readonly by: JsonObject<number>;
  /** The first deployments of them, to look at. */
  readonly deployments: readonly string[];
}

export interface Causes {
  /** The most frequent first; their counts add up to the scorecard's misses. */
  readonly misses: readonly CauseCount<MissCause>[];
  /** The same for `falsePositiveRollbacks`. */
  readonly falseRollbacks: readonly CauseCount<FalseCause>[];
  /** What agents did about the same misses; absent where the policy names none. */
  readonly agents?: readonly CauseCount<AgentCause>[];
}

const NAMED = 3;

const ORDER: readonly string[] = [...MISS_CAUSES, ...FALSE_CAUSES, ...AGENT_CAUSES];

/** Counts causes, the most frequent first. */
export function tallyOf<Code extends string>(
  counted: readonly Counted<Code>[],
  draws: number,
): readonly CauseCount<Code>[] {
  const found = new Map<Code, { count: number; by: Map<string, number>; ids: Set<string> }>();
  for (const { cause, by, deploymentId } of counted) {
    let own = found.get(cause);
    if (own === undefined) found.set(cause, (own = { count: 0, by: new Map(), ids: new Set() }));
    own.count++;
    if (by !== null) own.by.set(by, (own.by.get(by) ?? 0) + 1);
    own.ids.add(deploymentId);
  }
  return [...found]
    .sort(([a, one], [b, other]) => other.count - one.count || ORDER.indexOf(a) - ORDER.indexOf(b))
    .map(([cause, { count, by, ids }]) => ({
      cause,
      count: meanOf(count, draws),
      by: Object.fromEntries(
        [...by]
          .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
          .map(([name, times]) => [name, meanOf(times, draws)]),
      ),
      deployments: [...ids].sort().slice(0, NAMED),
    }));
}

/** Nine significant digits, as in the rest of a scorecard. */
function meanOf(count: number, draws: number): number {
  return Number((count / draws).toPrecision(9));
}
