/**
 * Outcomes of a policy and what follows from them, kept beside the judgements they rest on: the
 * second replay of a policy decides nothing again that it does not show.
 */

import type { Policy } from "../../engine/index.ts";
import type { EvaluateOptions } from "../compare/evaluate.ts";
import { isStored, type Past } from "../history/open.ts";
import { detectionKey } from "../replay/detect.ts";
import type { Replay } from "../replay/replay.ts";
import { decisionKey } from "../sweep/decidesAlike.ts";
import { basisOf, keyOf, peopleIdentity } from "./identity.ts";
import { planIdentity } from "./shards.ts";

/** @param what tells it from other things that follow from the policy's outcomes */
type Keep = <Value>(policy: Policy, what: string, make: () => Value) => Value;

const NAME = "outcomes";

/** Keeps nothing where judgements are not kept either; see `detectThrough`. */
export function outcomesKept(
  history: Past,
  policies: readonly Policy[],
  { plan, imagined, draws }: Replay,
  options: EvaluateOptions,
): Keep {
  const { scale, told, again, lived, people, seed, effect = "hold", glances = false } = options;
  const isPlain = told === undefined && again === undefined && lived === undefined;
  const isLarge = scale !== undefined && history.manifest.samples >= scale.leastSamples;
  if (scale === undefined || !isPlain || !isLarge || !isStored(history)) {
    return (_policy, _what, make) => make();
  }
  const { store } = scale;
  const places = [...imagined].sort((a, b) => a - b);
  const who = [peopleIdentity(people), seed, draws.length, options.draws ?? 1, effect];
  const shared = keyOf(basisOf(history), planIdentity(plan, policies), places, who, glances);
  return (policy, what, make) => {
    const key = keyOf(NAME, shared, detectionKey(policy), decisionKey(policy), what);
    const isThere = store.list(key).some(({ name }) => name === NAME);
    const known = isThere ? (store.read(key, NAME) as [ReturnType<typeof make>] | null) : null;
    if (known !== null) return known[0];
    const made = make();
    store.write(key, NAME, [NAME], [made]);
    return made;
  };
}
