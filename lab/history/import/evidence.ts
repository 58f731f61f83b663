/** Refuses an import that would succeed without evidence, and names the line of the mapping. */

import { Problem, Problems } from "../../problem.ts";
import { listed } from "./findings.ts";
import type { Relation } from "./relation.ts";

/** The problem of samples of which none has a value. */
export function noValue({ file, place }: Relation): Problem {
  return new Problem("no sample has a value: each is empty, NaN or infinite", {
    ...(place?.(["columns", "value"]) ?? { file }),
    cure: `Check the column value of ${file}.`,
  });
}

/** A factor of a metric that is not there is a mistyped name: its values would stay unscaled. */
export function refuseUnusedScale(
  { file, place }: Relation,
  scale: ReadonlyMap<string, number>,
  metrics: ReadonlySet<string>,
): void {
  const unused = [...scale.keys()].filter((metric) => !metrics.has(metric));
  if (unused.length === 0) return;
  throw new Problems(
    unused.map(
      (metric) =>
        new Problem(`scale: no metric is called ${metric}`, {
          ...(place?.(["scale", metric]) ?? { file }),
          cure: `The metrics are ${listed([...metrics].sort())}.`,
        }),
    ),
  );
}
