/** Deployments by what a score may rest on. */

import type { Past } from "../history/open.ts";
import type { Label } from "../history/tables.ts";
import type { Plan } from "../replay/plan.ts";

export const KINDS = ["regression", "good", "other"] as const;
export type Kind = (typeof KINDS)[number];

export function kindOf(label: Label): Kind {
  if (label === "regression") return "regression";
  return label === "benign" || label === "expected_change" ? "good" : "other";
}

export const LABELS: Readonly<Record<Kind, readonly Label[]>> = {
  regression: ["regression"],
  good: ["benign", "expected_change"],
  other: ["unrelated_incident", "unknown"],
};

/** Places of the deployments with a label, in ascending order. */
export function placesLabelled({ tables }: Past, plan: Plan, label: Label): readonly number[] {
  const labels = new Map(tables.labels.map((row) => [row.deploymentId, row.label]));
  const places = [...labels].flatMap(([id, one]) =>
    one === label ? (plan.places.get(id) ?? []) : [],
  );
  return places.sort((a, b) => a - b);
}
