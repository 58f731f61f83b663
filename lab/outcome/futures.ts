/**
 * How a deployment that history rolled back is continued, by what is known of it.
 *
 * The effect of a regression is held from its recorded onset. That of a benign deployment passes,
 * as such effects do in this history (passing.ts): held for an hour it would make every policy
 * roll back what history wrongly rolled back. Every other effect is held.
 */

import { incidentsByDeployment } from "../history/incidents.ts";
import type { HistoryTables } from "../history/tables.ts";
import type { Passing } from "../replay/excursions.ts";
import type { EffectRule, Futures } from "../replay/splice.ts";

/**
 * The continuations of a history.
 *
 * @param rule for all deployments that are not labelled benign
 */
export function futuresOf(
  { labels, incidents }: HistoryTables,
  passing: Passing,
  rule: EffectRule,
  draws: number,
  seed: number,
): Futures {
  const labelOf = new Map(labels.map(({ deploymentId, label }) => [deploymentId, label]));
  const incidentOf = incidentsByDeployment(incidents);
  return {
    draws,
    seed,
    passing,
    effectOf: (deploymentId) => {
      const label = labelOf.get(deploymentId);
      return {
        onsetAtMs:
          label === "regression" ? (incidentOf.get(deploymentId)?.onsetAtMs ?? null) : null,
        rule: label === "benign" ? "pass" : rule,
      };
    },
  };
}
