/** Lints Canaries of Flagger by running them against synthetic answers. */

import { Problem } from "../../problem.ts";
import { importFlagger, isFlaggerObject, type ImportedCanary } from "../import/flagger.ts";
import { checkCanary } from "./flaggerChecks.ts";
import { mendOf } from "./flaggerMends.ts";
import { flaggerText } from "./flaggerText.ts";
import type { LintFinding, Linter } from "./finding.ts";

const HOUR_MS = 3_600_000;

export const FLAGGER_LINTER: Linter = {
  reads: isFlaggerObject,
  lint: (objects, { watchMs = HOUR_MS }) => {
    const { imported, problems } = importFlagger(objects);
    const [first] = objects;
    const isAlone = first !== undefined && objects.every(({ kind }) => kind !== "Canary");
    return {
      findings: imported.flatMap((one) => lintCanary(one, watchMs)),
      problems: isAlone
        ? [
            ...problems,
            new Problem("no Canary among the files uses this MetricTemplate", {
              ...first.placeOf(["metadata", "name"]),
              cure: "Give the file of the Canary as well: it has the range and the threshold.",
            }),
          ]
        : problems,
      plans: imported.map(({ name, plan, queries }) => {
        return { policy: name, system: "flagger" as const, plan, queries };
      }),
    };
  },
};

function lintCanary(
  { name, plan, checks, placeOf }: ImportedCanary,
  watchMs: number,
): readonly LintFinding[] {
  const canary = { plan, written: checks, watchMs };
  return checkCanary(canary).map((check) => {
    const { code, key, params } = check;
    const placed = check.metric === null ? null : checks[check.metric]!;
    const about = placed === null ? "" : `, metric ${placed.metric.name}`;
    return {
      ...(placed?.placeOf ?? placeOf)(key),
      code,
      subject: `Canary ${name}${about}`,
      what: flaggerText(code, params),
      mend: mendOf(canary, check),
      params,
      queries: placed === null ? plan.metrics.map(({ query }) => query) : [placed.metric.query],
    };
  });
}
