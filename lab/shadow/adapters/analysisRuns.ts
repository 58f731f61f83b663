/**
 * Which AnalysisRun measures. Argo sends no ID of the run, and a revision that is tried again has
 * the same hash and number. So a run is known by measuring all the time: a verdict that a watch
 * ended with is for the run that measured while it was watched. A later run gets `undecided`,
 * because no watch of its own attempt ever ran.
 */

import type { Clock, Standing } from "../contract.ts";
import type { Verdict } from "./verdict.ts";

/** A run measures every `interval`; after such a pause it is another run. */
const PAUSE_MS = 5 * 60_000;
/** So long a final answer is repeated, in case it was lost on its way. */
const REPEATED_MS = 60_000;
/** So many deployments are remembered; a day has fewer. */
const REMEMBERED = 10_000;

interface Run {
  lastMs: number;
  /** When it first got its final verdict; null: not yet. */
  finalMs: number | null;
}

export class AnalysisRuns {
  /** By deployment, the one that measured last is last. */
  readonly #runs = new Map<string, Run>();

  constructor(private readonly clock: Pick<Clock, "steadyMs">) {}

  /** A run measures: notes it, and gives the verdict that it may have. */
  measured({ deployment: { deploymentId }, phase }: Standing, said: Verdict): Verdict {
    const nowMs = this.clock.steadyMs();
    const known = this.#runs.get(deploymentId);
    const isOver = phase.name === "ended";
    const isSame = known !== undefined && nowMs - known.lastMs <= PAUSE_MS;
    const isLate = known?.finalMs != null && nowMs - known.finalMs > REPEATED_MS;
    if (isOver && (!isSame || isLate)) {
      this.#note(deploymentId, { lastMs: -Infinity, finalMs: null });
      return { verdict: "undecided", reason: "its watch ended before this run began" };
    }
    const isFinal = said.verdict !== "undecided";
    this.#note(deploymentId, {
      lastMs: nowMs,
      finalMs: isFinal ? (known?.finalMs ?? nowMs) : null,
    });
    return said;
  }

  #note(deploymentId: string, run: Run): void {
    this.#runs.delete(deploymentId);
    this.#runs.set(deploymentId, run);
    if (this.#runs.size > REMEMBERED) this.#runs.delete(this.#runs.keys().next().value!);
  }
}
