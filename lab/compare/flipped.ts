/**
 * Flips by deployment. A flip is a deployment under one policy; a deployment that ends differently
 * under several policies is still one deployment.
 */

import { getOrMake } from "../getOrMake.ts";
import type { Flip } from "./compare.ts";

/** A deployment that ends differently than under the baseline. */
export interface Flipped<One> {
  readonly deploymentId: string;
  /** By candidate policy, of those under which it ends differently; never empty. */
  readonly under: ReadonlyMap<string, One>;
  /** One of them: what it says of the deployment and the baseline is the same in all. */
  readonly any: One;
  readonly change: Flip["change"];
}

const IMPORTANCE = { worse: 0, better: 1, open: 2, neutral: 3 } as const;

/** Worse comes before better: what harms is what a reader has to see. */
export function moreImportant(a: Flip["change"], b: Flip["change"]): number {
  return IMPORTANCE[a] - IMPORTANCE[b];
}

type Told = Pick<Flip, "deploymentId" | "candidatePolicy" | "change">;

/** In the order in which they are first named. */
export function flippedOf<One extends Told>(flips: readonly One[]): readonly Flipped<One>[] {
  const found = new Map<string, Map<string, One>>();
  for (const flip of flips) {
    getOrMake(found, flip.deploymentId, () => new Map()).set(flip.candidatePolicy, flip);
  }
  return [...found].map(([deploymentId, under]): Flipped<One> => {
    const [any, ...others] = [...under.values()];
    const change = others.reduce(
      (most, one) => (moreImportant(one.change, most) < 0 ? one.change : most),
      any!.change,
    );
    return { deploymentId, under, any: any!, change };
  });
}

/** How many deployments end differently under any policy. */
export function countFlipped(flips: readonly Pick<Flip, "deploymentId">[]): number {
  return new Set(flips.map(({ deploymentId }) => deploymentId)).size;
}
