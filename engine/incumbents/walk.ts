/** Runs an incumbent against answers until it has decided: for checks of a plan, and for tests. */

import type { Act, Answer, Finding, Incumbent, Question } from "./incumbent.ts";

export interface Walk<State> {
  readonly state: State;
  readonly acts: readonly { readonly atMs: number; readonly act: Act }[];
  readonly findings: readonly (Finding & { readonly atMs: number })[];
  /** When each query was asked, by its name. */
  readonly asked: ReadonlyMap<string, readonly number[]>;
  /** It has nothing more to ask. False: `untilMs` or the bound on steps came first. */
  readonly hasEnded: boolean;
}

export interface WalkOver {
  readonly startedAtMs: number;
  readonly untilMs: number;
  readonly service?: string;
  /** After so many steps it stops as well; 20,000 where it is not given. */
  readonly mostSteps?: number;
}

const MOST_STEPS = 20_000;

export function walk<Plan, State>(
  incumbent: Incumbent<Plan, State>,
  plan: Plan,
  over: WalkOver,
  answer: (question: Question, atMs: number) => Answer,
): Walk<State> {
  const acts: { atMs: number; act: Act }[] = [];
  const findings: (Finding & { atMs: number })[] = [];
  const asked = new Map<string, number[]>();
  const mostSteps = over.mostSteps ?? MOST_STEPS;
  let state = incumbent.start(plan, over.startedAtMs, over.service ?? "service");
  let hasEnded = false;
  for (let steps = 0; steps < mostSteps; steps++) {
    const due = incumbent.due(plan, state);
    hasEnded = due === null;
    if (due === null || due.atMs > over.untilMs) break;
    const { atMs, questions } = due;
    for (const { query } of questions) {
      const before = asked.get(query);
      if (before === undefined) asked.set(query, [atMs]);
      else before.push(atMs);
    }
    const step = incumbent.step(
      plan,
      state,
      atMs,
      questions.map((question) => answer(question, atMs)),
    );
    state = step.state;
    acts.push(...step.acts.map((act) => ({ atMs, act })));
    findings.push(...step.findings.map((finding) => ({ ...finding, atMs })));
  }
  return { state, acts, findings, asked, hasEnded };
}
