/** Deployments by what a score may rest on. */

import type { Label } from "../history/tables.ts";

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
