/**
 * How a deployment that history rolled back would have gone on, by what is known of it.
 *
 * A regression's effect is held from its recorded onset. A benign deployment's passes as its
 * label says, and as such effects pass in this history (`passing.ts`); held for an hour it
 * would make every rule roll back what history wrongly did. Everything else is held.
 */

import { incidentsByDeployment } from "../history/incidents.ts";
import type { HistoryTables } from "../history/tables.ts";
import type { Passing } from "../replay/excursions.ts";
import type { EffectRule, Futures } from "../replay/splice.ts";

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
