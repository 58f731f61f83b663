/** A generated world of canaries, judged by policies with and without versions. */

import { readFileSync } from "node:fs";
import {
  createWorld,
  deploymentById,
  NO_INTERVENTIONS,
  parseWorld,
  truthTables,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import type { DecisionRecord, Policy, SignalPolicy } from "../../engine/index.ts";
import { absent } from "../../lab/people/recorded.ts";
import { silent } from "../../lab/progress.ts";
import { watchHistory } from "../../lab/replay/replay.ts";
import { worldPast } from "../../lab/simulate/worldPast.ts";

const FILE = "datasets/worlds/canary.yaml";
const TEXT = readFileSync(new URL(`../../${FILE}`, import.meta.url), "utf8");

/** What one policy said about one deployment. */
export interface Said {
  readonly truth: WorldDeployment;
  /** It asked, acted or paged, and named the deployment as a cause. */
  readonly blamed: boolean;
  readonly silent: boolean;
}

/** The world in which every deployment runs to its end; by policy, what it said. */
export async function saidIn(
  seed: number,
  policies: readonly Policy[],
  versions = true,
): Promise<readonly (readonly Said[])[]> {
  const text = versions ? TEXT : TEXT.replace("versions: true", "versions: false");
  const world = createWorld(parseWorld(text, FILE), seed);
  const tables = truthTables(world, [], NO_INTERVENTIONS);
  const past = worldPast(world, tables, NO_INTERVENTIONS, "as it happened");
  const watched = await watchHistory(past, policies, silent);
  const platform = { rollBack: () => ({ durationMs: 60_000, succeeds: true }) };
  return policies.map((_, at) => {
    const { records } = watched.decide(at, absent, platform);
    const accused = new Set<string>();
    const unheard = new Set<string>();
    for (const record of records) {
      if (record.decision === "silent") unheard.add(record.deploymentId);
      else if (blames(record)) accused.add(record.deploymentId);
    }
    return tables.deployments.map(({ deploymentId: id }) => ({
      truth: deploymentById(world, id)!,
      blamed: accused.has(id),
      silent: unheard.has(id),
    }));
  });
}

function blames({ decision, deploymentId, explanations }: DecisionRecord): boolean {
  if (decision !== "proposed" && decision !== "paged" && decision !== "held") return false;
  return explanations.some((one) => one.deploymentId === deploymentId);
}

/** The policy without `control: versions`. */
export function withoutTheWord(policy: Policy): Policy {
  const signals = policy.signals.map(
    (signal) =>
      Object.fromEntries(
        Object.entries(signal).filter(([key]) => key !== "control"),
      ) as unknown as SignalPolicy,
  );
  return { ...policy, policy: `${policy.policy}, without the word`, digest: "-", signals };
}

/** Flagged and all of those for which `is` holds, over several worlds. */
export function counted(
  worlds: readonly (readonly Said[])[],
  is: (truth: WorldDeployment) => boolean,
  flagged: (said: Said) => boolean = ({ blamed }) => blamed,
): { readonly flagged: number; readonly all: number } {
  const among = worlds.flat().filter(({ truth }) => is(truth));
  return { flagged: among.filter(flagged).length, all: among.length };
}
