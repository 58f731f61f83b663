/** The features of a learned confidence: which number each reads, and which way it may count. */

import type { DeploymentKind } from "../event.ts";
import type { Seen } from "./seen.ts";

/** 1: a larger feature never lowers the probability; −1: never raises it; 0: either. */
export type Direction = 1 | -1 | 0;

export interface Feature {
  readonly name: string;
  readonly direction: Direction;
  readonly of: (seen: Seen) => number;
}

/** Code is the kind that the others are held against. */
const KINDS: readonly DeploymentKind[] = ["config", "migration", "infrastructure", "feature_flag"];

/** Those of every policy, in the order in which a model names them. */
export const FEATURES: readonly Feature[] = [
  { name: "effect over tolerance", direction: 1, of: ({ excess }) => excess },
  { name: "statistic over limit", direction: 1, of: ({ strength }) => strength },
  { name: "share of signals", direction: 1, of: ({ agreeing }) => agreeing },
  { name: "alarm still stands", direction: 1, of: ({ standing }) => standing },
  { name: "time from start to alarm", direction: -1, of: ({ delay }) => delay },
  { name: "alarms elsewhere", direction: -1, of: ({ elsewhere }) => elsewhere },
  { name: "alarms of this service before", direction: -1, of: ({ habit }) => habit },
  { name: "declared by a tag", direction: -1, of: ({ declared }) => declared },
  ...KINDS.map((kind): Feature => ({
    name: kind,
    direction: 0,
    of: (seen) => Number(seen.kind === kind),
  })),
];

/** Those of every policy, then one for each of these signals. */
export function featuresFor(signals: readonly string[]): readonly Feature[] {
  return [
    ...FEATURES,
    ...signals.map((signal): Feature => ({
      name: `${signal} speaks against it`,
      direction: 1,
      of: ({ accusing }) => Number(accusing.includes(signal)),
    })),
  ];
}
