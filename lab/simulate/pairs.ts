/**
 * A file of pairs: the policy that writes a history, and one that is asked about on it. In every
 * pair the verdict of a comparison is held against what both policies do in closed loop.
 */

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { readDocument } from "../documentFile.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import { fidelityOf, liveManyWorlds, type FidelityOptions, type PairFidelity } from "./fidelity.ts";
import type { WorldTask } from "./oneWorld.ts";
import { verdictsOf, type VerdictFidelity } from "./verdicts.ts";

const pair = z.strictObject({ history: z.string().min(1), asked: z.string().min(1) });
const seeds = z.strictObject({ from: z.int().min(0), worlds: z.int().min(1) });
const pairsSchema = z
  .object({ seeds: z.record(z.string(), seeds).optional() })
  .catchall(z.array(pair).min(1, { error: "expected at least one pair" }));

/** Files of policies, absolute. */
interface Pair {
  readonly history: string;
  readonly asked: string;
}

/**
 * The pairs that a file names for a world, by the name in the world's own file.
 *
 * @throws Problem naming file, line and column of what is wrong, or the worlds that it has
 */
export function loadPairs(file: string, world: string): readonly Pair[] {
  const document = readDocument(
    file,
    pairsSchema,
    "a file of pairs, such as scenarios/fidelity/pairs.yaml",
  );
  const worlds = new Map(Object.entries(document).filter(([name]) => name !== "seeds"));
  const named = worlds.get(world) as readonly Pair[] | undefined;
  if (named === undefined) {
    throw new Problem(`there are no pairs for the world "${world}"`, {
      file,
      cure: `It has pairs for ${[...worlds.keys()].join(", ")}.`,
    });
  }
  const folder = dirname(file);
  return named.map(({ history, asked }) => ({
    history: resolve(folder, history),
    asked: resolve(folder, asked),
  }));
}

/** One pair in many worlds: how far its scores are off, and how good its verdicts are. */
export interface HeldPair extends PairFidelity {
  readonly verdicts: readonly VerdictFidelity[];
}

/** Pairs with one history share its worlds. Results in the order of the pairs. */
export async function holdPairs(
  pairs: readonly Pair[],
  task: Omit<WorldTask, "logPolicy" | "asked">,
  options: FidelityOptions,
): Promise<readonly HeldPair[]> {
  const nameOf = (file: string): string => loadPolicy(file).policy;
  const held = new Map<Pair, HeldPair>();
  for (const history of new Set(pairs.map((one) => one.history))) {
    const own = pairs.filter((one) => one.history === history);
    const results = await liveManyWorlds(
      { ...task, logPolicy: history, asked: own.map(({ asked }) => asked) },
      options,
    );
    for (const one of own) {
      const asked = nameOf(one.asked);
      const verdicts = verdictsOf(asked, results);
      held.set(one, { ...fidelityOf(nameOf(history), asked, results), verdicts });
    }
  }
  return pairs.map((one) => held.get(one)!);
}
