/**
 * Asserts a property over random cases: seeded and few in every run, many and from a new
 * seed with `SOAK=1`.
 */

import fc from "fast-check";
import { randomCase, type Case } from "./randomCase.ts";

const SOAK = process.env["SOAK"] !== undefined;
// Shrinking takes minutes: give the printed seed and path to fc.check when it is wanted.
const RUNS = SOAK
  ? { numRuns: 3000, endOnFailure: true }
  : { numRuns: 40, seed: 20260312, endOnFailure: true };
export const LIMIT_MS = SOAK ? 3_600_000 : 120_000;

/** A failure prints its seed and path, not the case, which is long. */
export function check<Given>(property: fc.IProperty<Given>): void {
  const { failed, seed, counterexamplePath, errorInstance } = fc.check(property, RUNS);
  if (!failed) return;
  const cause = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const again = `{ seed: ${seed}, path: "${counterexamplePath ?? ""}" }`;
  throw new Error(`${cause}\nmake it again with ${again}`, { cause: errorInstance });
}

export function holds(property: (given: Case) => void): void {
  check(fc.property(randomCase, property));
}
