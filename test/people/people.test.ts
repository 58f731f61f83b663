/**
 * People as a model: what a history's answers teach, what closed forms say, and what a
 * file may change.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DecisionRow } from "../../lab/history/tables.ts";
import { unansweredAfter, windowEffect } from "../../lab/people/closedForm.ts";
import { fitPeople, fitShift } from "../../lab/people/fit.ts";
import {
  answer,
  DEFAULT_RESPONDER,
  type ResponderModel,
  type Shift,
} from "../../lab/people/model.ts";
import { normalTail } from "../../lab/random.ts";
import { loadPeople } from "../../lab/people/peopleFile.ts";
import { DEFAULT_COSTS, loadCosts } from "../../lab/score/costs.ts";
import { temporaryDirectory } from "../directories.ts";
import { ROOT } from "../history/smallWorld.ts";

const DRAWS = 4000;
const SOAK_TIMES = process.env["SOAK"] === undefined ? 1 : 10;
/** Noon, evening and three at night, UTC. */
const ASKED: Readonly<Record<Shift, number>> = {
  business: Date.parse("2026-07-01T12:00:00Z"),
  evening: Date.parse("2026-07-01T20:00:00Z"),
  night: Date.parse("2026-07-01T03:00:00Z"),
};
const SHIFTS = ["business", "evening", "night"] as const;

function asked(
  shift: Shift,
  index: number,
  windowMs: number,
  truthIsBad: boolean,
  onSilence: "rollback" | "hold",
  model: ResponderModel = DEFAULT_RESPONDER,
) {
  const proposedAtMs = ASKED[shift];
  const question = {
    deploymentId: `d${index}`,
    ordinal: 0,
    proposedAtMs,
    timezone: null,
    answerByMs: proposedAtMs + windowMs,
    answers: ["override", "approve"] as const,
    truthIsBad,
    onSilence,
  };
  return answer(question, 3, 0, model);
}

describe("closed forms agree with simulation within three standard errors", () => {
  const n = DRAWS * SOAK_TIMES;
  const close = (simulated: number, error: number, closed: number): void => {
    expect(Math.abs(simulated - closed)).toBeLessThan(3 * error);
  };
  const cases = SHIFTS.flatMap((shift) => [2, 5].map((minutes) => [shift, minutes] as const));

  it.each(cases)("an override window, %s, %d min", (shift, minutes) => {
    const windowMs = minutes * 60_000;
    const closed = windowEffect(DEFAULT_RESPONDER[shift], shift, windowMs);
    let wrong = 0;
    let right = 0;
    const delays: number[] = [];
    for (let index = 0; index < n; index++) {
      if (asked(shift, index, windowMs, false, "rollback").kind !== "override") wrong++;
      const bad = asked(shift, index, windowMs, true, "rollback");
      if (bad.kind === "override") continue;
      right++;
      delays.push(bad.kind === "approve" ? bad.delayMs! : windowMs);
    }
    const share = (count: number): [number, number] => [
      count / n,
      Math.sqrt(((count / n) * (1 - count / n)) / n),
    ];
    close(...share(wrong), closed.wrongRollbacks);
    close(...share(right), closed.rightRollbacks);
    const mean = delays.reduce((sum, ms) => sum + ms, 0) / delays.length;
    const variance = delays.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / delays.length;
    close(mean, Math.sqrt(variance / delays.length), closed.addedDelayMs);
  });

  it.each(SHIFTS)("an approval that nobody gives in ten minutes, %s", (shift) => {
    let silent = 0;
    for (let index = 0; index < n; index++) {
      if (asked(shift, index, 600_000, true, "hold").kind === "silence") silent++;
    }
    const closed = unansweredAfter(DEFAULT_RESPONDER[shift], 600_000);
    close(silent / n, Math.sqrt((closed * (1 - closed)) / n), closed);
  });

  it("are those of the method's table, silence left out", () => {
    // F(2 min): scipy.stats.lognorm(.9, scale=2).cdf(2) = .5, evening .2441, night .0828.
    // wrong rollbacks 1 - .98 * .5 * .8 by day: 60.8 %.
    const day = windowEffect(DEFAULT_RESPONDER.business, "business", 120_000);
    expect(day.wrongRollbacks).toBeCloseTo(1 - 0.98 * 0.5 * 0.8, 6);
    expect(unansweredAfter({ ...DEFAULT_RESPONDER.night, silence: 0 }, 600_000)).toBeCloseTo(
      0.41172,
      4,
    );
    // pnorm(1.959964, lower.tail = FALSE) = 0.025
    expect(normalTail(1.959964)).toBeCloseTo(0.025, 6);
  });
});

describe("learning from recorded answers", () => {
  const truth: ResponderModel = {
    ...DEFAULT_RESPONDER,
    business: { ...DEFAULT_RESPONDER.business, medianMs: 360_000, sigma: 0.6, silence: 0.15 },
  };
  const decisionsOf = (count: number): DecisionRow[] => {
    const rows: DecisionRow[] = [];
    for (let index = 0; index < count; index++) {
      const row = (what: DecisionRow["what"], atMs: number): DecisionRow => ({
        deploymentId: `d${index}`,
        atMs: ASKED.business + atMs,
        what,
        by: null,
        justification: null,
        confidence: null,
      });
      rows.push(row("proposed", 0));
      const given = asked("business", index, 600_000, index % 2 === 0, "hold", truth);
      if (given.kind === "silence") rows.push(row("expired", 600_000));
      else {
        const what = given.kind === "override" ? "overrideGiven" : "approvalGiven";
        rows.push(row(what, given.delayMs!));
      }
    }
    return rows;
  };
  const about = (id: string) => ({
    timezone: null,
    team: null,
    truthIsBad: Number(id.slice(1)) % 2 === 0,
  });

  it("finds the delay though a fifth of the answers would have come too late", () => {
    const { model, seen } = fitPeople(decisionsOf(2000), about, DEFAULT_RESPONDER);
    expect(seen.business.questions).toBe(2000);
    expect(model.business.medianMs / 60_000).toBeCloseTo(6, 0);
    expect(Math.abs(model.business.sigma - 0.6)).toBeLessThan(0.09);
    expect(Math.abs(model.business.silence - 0.15)).toBeLessThan(0.05);
    expect(model.night).toEqual(DEFAULT_RESPONDER.night);
  });

  it("stays near the default where it saw three answers, and is it where it saw none", () => {
    const { model } = fitPeople(decisionsOf(3), about, DEFAULT_RESPONDER);
    expect(model.business.medianMs).toBeGreaterThan(110_000);
    expect(model.business.medianMs).toBeLessThan(170_000);
    const same = fitShift([], DEFAULT_RESPONDER.business);
    expect(same.medianMs / DEFAULT_RESPONDER.business.medianMs).toBeCloseTo(1, 2);
  });
});

describe("files", () => {
  const write = (text: string): string => {
    const file = join(temporaryDirectory(), "settings.yaml");
    writeFileSync(file, text);
    return file;
  };

  it("the shipped examples are the defaults", () => {
    expect(loadPeople(join(ROOT, "scenarios/people/example.yaml"))).toEqual(DEFAULT_RESPONDER);
    expect(loadCosts(join(ROOT, "scenarios/costs/example.yaml"))).toEqual(DEFAULT_COSTS);
  });

  it("change what they say and nothing else", () => {
    const people = loadPeople(write("night: { median: 20m, silence: 30% }\n"));
    expect(people.night).toEqual({
      ...DEFAULT_RESPONDER.night,
      medianMs: 1_200_000,
      silence: 0.3,
    });
    expect(people.business).toEqual(DEFAULT_RESPONDER.business);
    expect(loadCosts(write("falsePositive: 600\n"))).toEqual({
      ...DEFAULT_COSTS,
      falsePositive: 600,
    });
  });

  it.each([
    ["night: { median: soon }", /settings\.yaml:1:10: night\.median: expected a duration/],
    ["day: { median: 2m }", /settings\.yaml:1:1: day: unknown key/],
    ["night:\n  silence: 130%", /settings\.yaml:2:3: night\.silence: expected a share/],
    ["night: [", /settings\.yaml:1:9/],
    ["evening: { approveIfBad: 99% }", /together are more than all/],
  ])("people: %j is an error at its place", (text, message) => {
    expect(() => loadPeople(write(text))).toThrow(message);
  });

  it.each([
    ["rollback: -1", /settings\.yaml:1:1: rollback: expected a number of at least 0/],
    ["pages: 10", /pages: unknown key/],
  ])("costs: %j is an error at its place", (text, message) => {
    expect(() => loadCosts(write(text))).toThrow(message);
  });

  it("a file that is not there names the cure", () => {
    expect(() => loadCosts("/nowhere.yaml")).toThrow(
      /no such file\n {2}Give the path of a costs file/,
    );
  });
});
