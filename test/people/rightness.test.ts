/** How often people are right, fitted to simulated approvals whose truth is known. */

import { expect, test } from "vitest";
import type { DecisionRow } from "../../lab/history/tables.ts";
import { stoppedBeyond, windowEffect, windowNotes } from "../../lab/people/closedForm.ts";
import { fitPeople } from "../../lab/people/fit.ts";
import { answer, DEFAULT_RESPONDER, type ResponderModel } from "../../lab/people/model.ts";
import { policyFromText } from "../../lab/policy/load.ts";

const POLICY = `
policy: p
owner: o
signals: { one: { metric: one, tolerance: 10% } }
tiers: { override: { window: 5m } }
assign: [{ otherwise: override }]
`;
const ASKED = ["2026-07-01T12:00:00Z", "2026-07-01T20:00:00Z", "2026-07-01T03:00:00Z"];
const SLA_MS = 600_000;

function people(overrideIfGood: number, overrideIfBad: number): ResponderModel {
  const odds = { overrideIfGood, overrideIfBad };
  const { business, evening, night } = DEFAULT_RESPONDER;
  return {
    business: { ...business, ...odds },
    evening: { ...evening, ...odds },
    night: { ...night, ...odds },
  };
}

const about = (id: string) => ({
  ...{ timezone: null, team: null },
  truthIsBad: Number(id.slice(1)) % 2 === 0,
});

/** Questions at all hours, as a history records them. */
function decisionsOf(truth: ResponderModel, onSilence: "hold" | "rollback", seed: number) {
  return Array.from({ length: 120 }, (_, index): DecisionRow[] => {
    const deploymentId = `d${index}`;
    const proposedAtMs = Date.parse(ASKED[Math.floor(index / 2) % 3]!);
    const row = (what: DecisionRow["what"], atMs: number): DecisionRow => ({
      ...{ deploymentId, what, by: null, justification: null, confidence: null },
      atMs: proposedAtMs + atMs,
    });
    const question = {
      ...{ deploymentId, ordinal: 0, proposedAtMs, timezone: null, onSilence },
      answerByMs: proposedAtMs + SLA_MS,
      answers: ["override", "approve"] as const,
      truthIsBad: about(deploymentId).truthIsBad,
    };
    const { kind, delayMs } = answer(question, seed, 0, truth);
    const closed = onSilence === "hold" ? "expired" : "rollbackStarted";
    if (kind === "silence") return [row("proposed", 0), row(closed, SLA_MS)];
    const what = kind === "override" ? "overrideGiven" : "approvalGiven";
    return [row("proposed", 0), row(what, delayMs!)];
  }).flat();
}

test("the intervals hold the truth in at least 90 of 100 simulations, and are not all", () => {
  let [good, bad, width] = [0, 0, 0];
  for (let seed = 0; seed < 100; seed++) {
    const decisions = decisionsOf(people(0.5, 0.2), "hold", seed);
    const { overrideIfGood, overrideIfBad } = fitPeople(
      decisions,
      about,
      DEFAULT_RESPONDER,
    ).rightness!;
    if (overrideIfGood.low <= 0.5 && 0.5 <= overrideIfGood.high) good++;
    if (overrideIfBad.low <= 0.2 && 0.2 <= overrideIfBad.high) bad++;
    width += (overrideIfGood.high - overrideIfGood.low) / 100;
  }
  expect(Math.min(good, bad)).toBeGreaterThanOrEqual(90);
  expect(width).toBeLessThan(0.5);
});

test("answers that contradict an assumption move it, and others leave it", () => {
  const fitted = (truth: ResponderModel, onSilence: "hold" | "rollback") =>
    fitPeople(decisionsOf(truth, onSilence, 1), about, DEFAULT_RESPONDER);
  const wrong = fitted(people(0.3, 0.4), "hold");
  for (const shift of ["business", "evening", "night"] as const) {
    expect(wrong.model[shift].overrideIfGood).toBe(wrong.rightness!.overrideIfGood.high);
    expect(wrong.model[shift].overrideIfBad).toBe(wrong.rightness!.overrideIfBad.low);
    expect(wrong.model[shift].overrideIfGood).toBeLessThan(0.8);
    expect(wrong.model[shift].overrideIfBad).toBeGreaterThan(0.05);
  }
  const { model } = fitted(DEFAULT_RESPONDER, "hold");
  expect(model.business.overrideIfGood).toBe(0.8);
  // A window leaves no trace of those who looked and let it run.
  const windows = fitted(people(0.3, 0.4), "rollback");
  expect(windows.rightness).toBeNull();
  expect(windows.model.business.overrideIfGood).toBe(0.8);
});

test("a window longer than history waited stops a share inside its band", () => {
  const model = DEFAULT_RESPONDER.business;
  const band = stoppedBeyond(model, "business", 120_000);
  const stopped = (windowMs: number) =>
    1 - windowEffect(model, "business", windowMs).wrongRollbacks;
  expect(band.low).toBeCloseTo(stopped(120_000), 9);
  expect(stopped(900_000)).toBeGreaterThan(band.low);
  expect(stopped(900_000)).toBeLessThan(band.high);
  expect(band.high).toBeLessThanOrEqual(model.overrideIfGood);

  const policies = [policyFromText(POLICY, "p.yaml")];
  const notes = (seenUntilMs: number | null) =>
    windowNotes(policies, DEFAULT_RESPONDER, seenUntilMs);
  expect(notes(600_000)).toEqual(notes(null));
  expect(notes(120_000)[0]).toContain("History waited 2m at most");
});
