/**
 * A Rollout with canary steps as an incumbent (rollout/canary.go, rollout/analysis.go).
 *
 * Failed and Error abort it, which rolls back. Inconclusive pauses it, and so does a pause without
 * a duration: a person then decides, so nothing more is asked of an inconclusive one. All steps
 * done promote it and end the background analysis.
 *
 * A history does not record when pods were ready, so a change of weight takes no time here.
 */

import type {
  Act,
  Answer,
  Due,
  Finding,
  Incumbent,
  IncumbentStep,
  Question,
} from "../incumbent.ts";
import type { MeasuredPhase, Phase } from "./assess.ts";
import { measure } from "./measure.ts";
import { ARGO_PLAN, type ArgoAnalysis, type ArgoMetric, type ArgoPlan } from "./plan.ts";
import {
  measurementTimes,
  startRun,
  takeMeasurements,
  terminateRun,
  type RunState,
} from "./run.ts";

export interface ArgoState {
  readonly startedAtMs: number;
  readonly nowMs: number;
  /** Paused: by an inconclusive analysis. A pause step is still progressing. */
  readonly phase: "progressing" | "paused" | "aborted" | "promoted";
  /** Of the plan's steps, from 0; as many as there are once all are done. */
  readonly step: number;
  /** When the pause step began; null outside of one. */
  readonly pausedAtMs: number | null;
  readonly stepRun: RunState | null;
  readonly backgroundRun: RunState | null;
}

export const argo: Incumbent<ArgoPlan, ArgoState> = {
  kind: "argo",
  schema: ARGO_PLAN,
  queries: (plan) => [
    ...new Set(
      analysesOf(plan).flatMap(({ metrics }: ArgoAnalysis) => metrics.map(({ query }) => query)),
    ),
  ],
  start: (_plan, startedAtMs) => ({
    startedAtMs,
    nowMs: startedAtMs - 1,
    phase: "progressing",
    step: 0,
    pausedAtMs: null,
    stepRun: null,
    backgroundRun: null,
  }),
  due,
  step,
};

/** All analyses of a plan: those of its steps, then the background's. */
export function analysesOf({ steps, background }: ArgoPlan): readonly ArgoAnalysis[] {
  const ofSteps = steps.flatMap((one) => (one.kind === "analysis" ? [one.analysis] : []));
  return background === null ? ofSteps : [...ofSteps, background.analysis];
}

type RunName = "step" | "background";

/** A metric that is measured now. */
interface Task {
  readonly run: RunName;
  readonly place: number;
  readonly metric: ArgoMetric;
}

function due(plan: ArgoPlan, state: ArgoState): Due | null {
  if (state.phase !== "progressing") return null;
  // Before the first step nothing was looked at.
  if (state.nowMs < state.startedAtMs) return { atMs: state.startedAtMs, questions: [] };
  const atMs = earliest([...tasks(plan, state).map((task) => task.atMs), pauseEnd(plan, state)]);
  if (atMs === null) return null;
  return {
    atMs,
    questions: tasksAt(plan, state, atMs).map(({ metric }) => question(metric, atMs)),
  };
}

function question({ query, scope }: ArgoMetric, atMs: number): Question {
  return { query, scope, fromMs: atMs, toMs: atMs };
}

function tasksAt(plan: ArgoPlan, state: ArgoState, atMs: number): readonly Task[] {
  return tasks(plan, state).filter((task) => task.atMs <= atMs);
}

function tasks(plan: ArgoPlan, state: ArgoState): readonly (Task & { readonly atMs: number })[] {
  return (["step", "background"] as const).flatMap((run) => {
    const [analysis, running] = [analysisOf(plan, state, run), runOf(state, run)];
    if (analysis === null || running === null) return [];
    return measurementTimes(analysis, running).flatMap((atMs, place) =>
      atMs === null ? [] : [{ run, place, metric: analysis.metrics[place]!, atMs }],
    );
  });
}

function analysisOf(plan: ArgoPlan, state: ArgoState, run: RunName): ArgoAnalysis | null {
  if (run === "background") return plan.background?.analysis ?? null;
  const current = plan.steps[state.step];
  return current?.kind === "analysis" ? current.analysis : null;
}

function runOf(state: ArgoState, run: RunName): RunState | null {
  return run === "step" ? state.stepRun : state.backgroundRun;
}

function withRun(state: ArgoState, run: RunName, to: RunState): ArgoState {
  return run === "step" ? { ...state, stepRun: to } : { ...state, backgroundRun: to };
}

/** When the pause step is over: strictly after its duration. */
function pauseEnd(plan: ArgoPlan, { step: at, pausedAtMs }: ArgoState): number | null {
  const current = plan.steps[at];
  if (current?.kind !== "pause" || current.durationMs === null || pausedAtMs === null) return null;
  return pausedAtMs + current.durationMs + 1;
}

function earliest(times: readonly (number | null)[]): number | null {
  const given = times.filter((one) => one !== null);
  return given.length === 0 ? null : Math.min(...given);
}

function step(
  plan: ArgoPlan,
  state: ArgoState,
  atMs: number,
  answers: readonly Answer[],
): IncumbentStep<ArgoState> {
  const asked = due(plan, state);
  if (asked === null) return { state: { ...state, nowMs: atMs }, acts: [], findings: [] };
  const findings: Finding[] = [];
  const taken = asked.questions.length === 0 ? [] : tasksAt(plan, state, asked.atMs);
  const measured = measureAll(plan, state, atMs, taken, answers, findings);
  return reconcile(plan, { ...measured, nowMs: atMs }, atMs, findings);
}

function measureAll(
  plan: ArgoPlan,
  state: ArgoState,
  atMs: number,
  taken: readonly Task[],
  answers: readonly Answer[],
  findings: Finding[],
): ArgoState {
  const phases = {
    step: new Map<number, MeasuredPhase>(),
    background: new Map<number, MeasuredPhase>(),
  };
  for (const [place, { run, metric, place: metricPlace }] of taken.entries()) {
    const { phase, error, condition } = measure(metric, answers[place] ?? { kind: "failed" });
    phases[run].set(metricPlace, phase);
    if (phase !== "Successful") {
      const params = { run, metric: metric.name, query: metric.query, phase, error, condition };
      findings.push({ code: "measured", params });
    }
  }
  let next = state;
  for (const run of ["step", "background"] as const) {
    const [analysis, running] = [analysisOf(plan, next, run), runOf(next, run)];
    if (analysis === null || running === null || phases[run].size === 0) continue;
    const after = takeMeasurements(analysis, running, phases[run], atMs);
    for (const [place, result] of after.metrics.entries()) {
      if (result.phase === running.metrics[place]!.phase || isGoingOn(result.phase)) continue;
      findings.push(metricEnded(run, analysis.metrics[place]!, result.phase));
    }
    next = withRun(next, run, after);
  }
  return next;
}

function isGoingOn(phase: Phase): boolean {
  return phase === "Running" || phase === "Pending";
}

function metricEnded(run: RunName, { name, query, dryRun }: ArgoMetric, phase: Phase): Finding {
  return { code: "metricEnded", params: { run, metric: name, query, phase, dryRun } };
}

/** What the rollout does about its runs, then as many steps as can be done at this instant. */
function reconcile(
  plan: ArgoPlan,
  state: ArgoState,
  atMs: number,
  findings: Finding[],
): IncumbentStep<ArgoState> {
  const acts: Act[] = [];
  let now = state;
  for (;;) {
    const ended = endedBy(now);
    if (ended !== null) return { ...endOf(plan, now, ended, findings), acts: [...acts, ended.act] };
    now = withBackground(plan, now, atMs);
    const current = plan.steps[now.step];
    if (current === undefined) {
      findings.push({ code: "promoted", params: {} });
      return { state: promoted(plan, now), acts: [...acts, "promote"], findings };
    }
    if (current.kind === "pause" && now.pausedAtMs === null) {
      now = { ...now, pausedAtMs: atMs };
      findings.push({
        code: "pauseStep",
        params: { step: now.step, durationMs: current.durationMs },
      });
      if (current.durationMs === null) acts.push("pause");
    }
    if (current.kind === "analysis" && now.stepRun === null) {
      now = { ...now, stepRun: startRun(current.analysis, atMs) };
    }
    if (!isStepDone(plan, now, atMs)) return { state: now, acts, findings };
    now = { ...now, step: now.step + 1, pausedAtMs: null, stepRun: null };
  }
}

function isStepDone(plan: ArgoPlan, state: ArgoState, atMs: number): boolean {
  const current = plan.steps[state.step]!;
  if (current.kind === "setWeight") return true;
  if (current.kind === "analysis") return state.stepRun?.phase === "Successful";
  const end = pauseEnd(plan, state);
  return end !== null && atMs >= end;
}

interface Ended {
  readonly run: RunName;
  readonly phase: Phase;
  readonly act: "rollBack" | "pause";
}

/** A run that ends the rollout. An abort of one goes before a pause by the other. */
function endedBy(state: ArgoState): Ended | null {
  const runs = (["step", "background"] as const).map((run) => ({
    run,
    phase: runOf(state, run)?.phase ?? "Pending",
  }));
  const bad = runs.find(({ phase }) => phase === "Failed" || phase === "Error");
  if (bad !== undefined) return { ...bad, act: "rollBack" };
  const unclear = runs.find(({ phase }) => phase === "Inconclusive");
  return unclear === undefined ? null : { ...unclear, act: "pause" };
}

function endOf(
  plan: ArgoPlan,
  state: ArgoState,
  { run, phase, act }: Ended,
  findings: Finding[],
): { readonly state: ArgoState; readonly findings: readonly Finding[] } {
  const results = runOf(state, run)?.metrics ?? [];
  const decided = analysisOf(plan, state, run)?.metrics.find(
    ({ dryRun }, place) => !dryRun && results[place]?.phase === phase,
  );
  const query = decided?.query ?? null;
  const params = { run, phase, query, step: state.step };
  findings.push({ code: act === "rollBack" ? "aborted" : "inconclusivePause", params });
  return { state: { ...state, phase: act === "rollBack" ? "aborted" : "paused" }, findings };
}

/** The background analysis begins with its starting step, and not after the last one. */
function withBackground(plan: ArgoPlan, state: ArgoState, atMs: number): ArgoState {
  const { background, steps } = plan;
  if (background === null || state.backgroundRun !== null) return state;
  if (state.step < background.startingStep || state.step >= steps.length) return state;
  return { ...state, backgroundRun: startRun(background.analysis, atMs) };
}

function promoted(plan: ArgoPlan, state: ArgoState): ArgoState {
  const { background } = plan;
  const backgroundRun =
    background === null || state.backgroundRun === null
      ? null
      : terminateRun(background.analysis, state.backgroundRun);
  return { ...state, phase: "promoted", backgroundRun };
}
