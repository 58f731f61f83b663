/** What would overturn a verdict by the model. */

import { describe, expect, test } from "vitest";
import { tippingOf } from "../../lab/compare/tipping.ts";
import { waysOf } from "../../lab/compare/changes.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import { intervalOf } from "../../lab/score/intervals.ts";
import { changed, RowScores } from "../../lab/score/rows.ts";
import { outcome, regression, rolledBack, SCORING } from "../outcome/outcomes.ts";

const SERVICES = Array.from("abcdefghij");
const DEPLOYMENTS = 60;
const missRate = FIELDS.find(({ name }) => name === "missRate")!;

const place = (at: number): Partial<Outcome> => ({
  deploymentId: `d${at}`,
  service: SERVICES[at % SERVICES.length]!,
  ...regression(30),
});
const caught = (at: number): Outcome => rolledBack(5, place(at));
const missed = (at: number): Outcome => outcome({ ...place(at), end: "missed" });

/** Of every third deployment history hid how it ends under the candidate, which catches it. */
const hidden = Array.from({ length: DEPLOYMENTS }, (_, at) => at).filter((at) => at % 3 === 0);
const list = (make: (at: number) => Outcome): Outcome[] =>
  Array.from({ length: DEPLOYMENTS }, (_, at) => make(at));
const is = {
  baseline: [list((at) => (at % 2 === 0 ? caught(at) : missed(at)))],
  candidate: [list(caught)],
};
const scores = new RowScores(SCORING);
const rows = { baseline: scores.rowsOf(is.baseline), candidate: scores.rowsOf(is.candidate) };
const asItIs = <T>(interval: T): T => interval;

describe("a tipping point", () => {
  test("is the first number of hidden deployments that brings the interval to zero", () => {
    const other = { baseline: is.baseline, candidate: [list(missed)] };
    const ways = waysOf(is, [other], hidden, SERVICES, scores);
    const side = { threshold: 0, isAbove: false };
    const { flips, of, deployments } = tippingOf(missRate, rows, ways, side, asItIs, scores);
    expect(of).toBe(hidden.length);
    expect(flips).toBeGreaterThan(0);
    expect(deployments.length).toBe(Math.min(5, flips!));
    // Every change of the candidate alone moves the share of missed ones by as much.
    const upTo = (count: number): number => {
      const changes = ways.slice(0, count).map((one) => one.ways.at(-1)!);
      return intervalOf(scores.spreadOf(missRate, changed(rows, changes)))!.high;
    };
    expect(upTo(0)).toBeLessThan(0);
    expect(upTo(flips! - 1)).toBeLessThan(0);
    expect(upTo(flips!)).toBeGreaterThanOrEqual(0);
  });

  test("does not exist where both policies end alike whatever was hidden", () => {
    const other = {
      baseline: [list((at) => (at % 3 === 0 ? missed(at) : is.baseline[0]![at]!))],
      candidate: [list((at) => (at % 3 === 0 ? missed(at) : caught(at)))],
    };
    const ways = waysOf(is, [other], hidden, SERVICES, scores);
    const alike = ways.filter(({ ways: all }) => all.length > 1);
    expect(alike.length).toBeGreaterThan(0);
    const side = { threshold: 0.5, isAbove: false };
    const found = tippingOf(missRate, rows, ways, side, asItIs, scores);
    expect(found).toEqual({ flips: null, of: hidden.length, deployments: [] });
  });
});
