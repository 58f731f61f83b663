/**
 * Policies of one pass by what they have in common: those of a group judge alike, those of a
 * family do wherever no sample is beyond, which a glance may show.
 */

import {
  isQuietAtAGlance,
  toGlanceAt,
  type EvenColumn,
  type Glance,
  type Policy,
  type SignalJudged,
} from "../../engine/index.ts";
import { evenly } from "../history/windows.ts";
import type { GivenTags } from "./given.ts";
import type { PlannedDeployment } from "./plan.ts";
import type { GatheredDeployment } from "./prepare.ts";

/** Policies that agree on everything detection reads. */
export interface DetectionGroup {
  /** Stands for the others. */
  readonly policy: Policy;
  /** What they are told in the place of history's tags. */
  readonly given: GivenTags | null;
  /** Equal where groups judge alike whenever they are told the same; null: nobody is told. */
  readonly alikeIfTold: string | null;
  readonly members: number[];
  readonly judgements: (readonly SignalJudged[])[];
  /** Were they known beforehand? */
  readonly known: boolean;
  /** By draw, then by deployment: judgements of what history hid, as it may have been. */
  readonly imagined: Map<number, readonly SignalJudged[]>[];
}

/** Groups that differ in `hold` and `clear` alone: where no sample is beyond, they judge alike. */
export interface Family {
  /** By their holds. */
  readonly groups: Map<string, DetectionGroup>;
  /** What a glance with any of them says; null where none is taken. */
  readonly glance: Glance | null;
}

/** Judges the families for whom all is quiet at a glance; returns those that must look closer. */
export function glanceOver(
  { deployment, series }: PlannedDeployment,
  index: number,
  { watch }: GatheredDeployment,
  families: readonly Family[],
  again: ReadonlySet<number>,
): readonly Family[] {
  const columns: EvenColumn[] = [];
  for (const { index: at, name } of series) {
    const stored = watch.get(at);
    if (stored === undefined || stored.length === 0) continue;
    const even = evenly(stored);
    if (even === null) return families;
    columns.push({ series: name, ...even });
  }
  const glanced = toGlanceAt(deployment, columns);
  return families.filter(({ glance, groups }) => {
    if (glance === null || !isQuietAtAGlance(glance, glanced)) return true;
    const atMs = deployment.startedAtMs + glance.policy.watchMs;
    const judgements = glance.evidence.map((evidence): SignalJudged => {
      const { deploymentId } = deployment;
      return { kind: "signalJudged", atMs, knownAtMs: atMs, deploymentId, evidence, cause: "end" };
    });
    for (const group of groups.values()) {
      if (!group.known || again.has(index)) group.judgements[index] = judgements;
    }
    return false;
  });
}
