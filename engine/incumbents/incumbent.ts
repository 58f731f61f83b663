/**
 * The contract of an incumbent: a system that a team runs today, emulated to the letter.
 *
 * An incumbent asks questions at moments of its own choosing and decides on the answers. It is
 * pure: the same plan, state and answers give the same step. The caller looks the answers up,
 * in a history or live, and never passes anything that was not known at `atMs`.
 */

import type { JsonObject } from "../json.ts";
import type { z } from "zod";

/** One query that an incumbent wants answered. */
export interface Question {
  /** The name under which the plan keeps the query. */
  readonly query: string;
  /** Whose series: all of the service's, those of the new version, or those of the stable one. */
  readonly scope: "all" | "canary" | "stable";
  /** A range; `fromMs === toMs` asks for one instant. Milliseconds since the epoch, inclusive. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** One series of an answer. NaN, +Inf and -Inf are values here and differ from absence. */
export interface AnswerSeries {
  readonly labels: ReadonlyMap<string, string>;
  readonly atMs: Float64Array;
  readonly values: Float64Array;
}

/**
 * What came back. A failed query differs from an answer without series: an API that was down
 * says nothing about the service. For an instant every series has exactly one value.
 */
export type Answer =
  | { readonly kind: "failed" }
  | { readonly kind: "series"; readonly series: readonly AnswerSeries[] };

/** What an incumbent asks next: at `atMs`, the answers to these questions in this order. */
export interface Due {
  readonly atMs: number;
  readonly questions: readonly Question[];
}

/** What an incumbent does to the deployment at this moment. */
export type Act = "rollBack" | "pause" | "promote" | "page";

/**
 * Why, as data: a code of the incumbent's own vocabulary with its parameters. `params.query` names
 * the query that decided it, where one did.
 */
export interface Finding {
  readonly code: string;
  readonly params: JsonObject<string | number | boolean | null>;
}

export interface IncumbentStep<State> {
  readonly state: State;
  readonly acts: readonly Act[];
  readonly findings: readonly Finding[];
}

export type IncumbentKind = "argo" | "flagger" | "kayenta" | "prometheus";

/**
 * One system's semantics. `Plan` is its configuration as plain JSON data, as a policy file keeps
 * it (conditions are text); `State` is plain data.
 */
export interface Incumbent<Plan, State> {
  readonly kind: IncumbentKind;
  /** Checks a plan, bounds it (lengths, counts, intervals of 1 s or more), refuses other keys. */
  readonly schema: z.ZodType<Plan>;
  /** The names of all queries that a plan asks. */
  queries(plan: Plan): readonly string[];
  /** How long before the start of a deployment it asks; absent: not before the start. */
  reachMs?(plan: Plan): number;
  /**
   * @param startedAtMs when the deployment started
   * @param service whose deployment it is
   */
  start(plan: Plan, startedAtMs: number, service: string): State;
  /** What it asks next; null once it has decided for good. Never before the last `step`. */
  due(plan: Plan, state: State): Due | null;
  /** @param answers one for each of the questions of `due`, in their order */
  step(plan: Plan, state: State, atMs: number, answers: readonly Answer[]): IncumbentStep<State>;
}
