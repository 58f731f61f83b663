/** A score of which less than half is identified is shown without an interval, and says why. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scorecardTable } from "../../lab/compare/print.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { estimateCell, fieldOf } from "../../lab/report/sections/estimate.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import { identifiedText, lessThanHalf } from "../../lab/score/identified.ts";
import { frontierOf } from "../../lab/sweep/frontier.ts";
import { resamplesOf } from "../../lab/sweep/resample.ts";
import { tableMaker, type SweepTable } from "../../lab/sweep/table.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { intervalText } from "../../ui/format/score.ts";
import { shipped } from "../history/smallWorld.ts";
import {
  estimate,
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreOf,
} from "../outcome/outcomes.ts";

const HIDDEN: Partial<Outcome> = {
  censoredAtMs: NOON_MS + 4 * MINUTE_MS,
  evidence: "bounded",
  end: "undecidable",
};
const SERVICES = Array.from({ length: 25 }, (_, at) => `s${at}`);

/** In each service a good deployment and a regression, seen in the first services and not later. */
function world(seen: number, change: Partial<Outcome> = {}): Outcome[] {
  return SERVICES.flatMap((service, at): Outcome[] => {
    const own = at < seen ? { service } : { service, ...HIDDEN, ...change };
    const isSlow = at % 3 === 0;
    return [
      isSlow ? rolledBack(5, own) : outcome(own),
      rolledBack(5 + at, { ...regression(9 + at), ...own }),
    ];
  });
}

/** What rests on hidden deployments, all of which stand for a part of it. */
const HANGS_ON_IT = [
  "pages",
  "nightPages",
  "pagesPerWeek",
  "rollbacks",
  "truePositiveRollbacks",
  "falsePositiveRollbacks",
  "falsePositiveShare",
  "falsePositiveRate",
  "missRate",
  "precision",
  "recall",
  "f1",
  "mttr",
  "timeToDetect.mean",
  "timeToRecovery.median",
  "timeToRecovery.restrictedMean60m",
  "toilHours",
  "cost",
  "tagMasked",
];
const FACTS = ["deployments", "regressions", "benign", "observedShare", "boundedShare"];

describe("of a world of which 2 of 25 services were seen", () => {
  const scored = scoreOf(world(2));

  it.each(HANGS_ON_IT)("%s has a value, no interval, and the reason", (name) => {
    const found = estimate(scored, name);
    expect(found.value).not.toBeNull();
    expect(found).toMatchObject({ low: null, high: null });
    expect(found.reason?.code).toBe("lessThanHalfIdentified");
    expect(found.reason!.identified).toBeLessThan(0.25);
  });

  it("the share that is identified is that of what the score rests on", () => {
    const of = (name: string): number => estimate(scored, name).reason!.identified;
    expect(of("missRate")).toBeCloseTo(2 / 25, 8);
    expect(of("mttr")).toBeCloseTo(2 / 25, 8);
    expect(of("falsePositiveRate")).toBeCloseTo(2 / 25, 8);
    // Three rollbacks there surely are, and forty-six more there may be.
    expect(of("falsePositiveShare")).toBeCloseTo(3 / 49, 8);
    expect(of("f1")).toBeCloseTo(3 / 49, 8);
  });

  it.each(FACTS)("%s is the history's own, and has its interval", (name) => {
    const found = estimate(scored, name);
    expect(found.reason).toBeUndefined();
    expect(found.low).not.toBeNull();
  });

  it("the terminal, the report and the page say so", () => {
    const answered = { policy: shipped("plain-window"), outcomes: [], scored };
    const missed = /regressions missed +│ ([^│]*)│/;
    const table = scorecardTable([answered]);
    expect(missed.exec(table)![1]!.trim()).toBe("0.0 % (8 % identified)");
    expect(table).toContain("Less than half identified");
    expect(missed.exec(scorecardTable([answered], 10))![1]!.trim()).toBe("0.0 % (8 % identified)");
    const found = estimate(scored, "missRate");
    expect(estimateCell(fieldOf("missRate"), found).below).toBe("8 % identified: no interval");
    expect(intervalText("share", { ...found })).toBe("8 % identified: no interval");
  });
});

it("where most is seen every score has its interval again", () => {
  const scored = scoreOf(world(19));
  for (const name of HANGS_ON_IT) {
    const found = estimate(scored, name);
    expect([name, found.reason?.code, found.low === null]).toEqual([name, undefined, false]);
  }
  expect(scorecardTable([{ policy: shipped("plain-window"), outcomes: [], scored }])).not.toContain(
    "identified",
  );
});

it("answers that nobody recorded are no more identified than what history hid", () => {
  const unknown = scoreOf(world(2, { censoredAtMs: null, evidence: "unknown" }));
  expect(estimate(unknown, "missRate").reason!.identified).toBeCloseTo(2 / 25, 8);
  expect(estimate(unknown, "pages").reason!.identified).toBeCloseTo(2 / 25, 8);
});

it("a recovery that was not recorded is not identified; its detection and its rollback are", () => {
  const ended = { censoredAtMs: null, evidence: "bounded", end: "rolledBack" } as const;
  const scored = scoreOf(world(2, ended));
  expect(estimate(scored, "mttr").reason!.identified).toBeCloseTo(2 / 25, 8);
  expect(estimate(scored, "cost").reason!.identified).toBeCloseTo(2 / 25, 8);
  expect(estimate(scored, "timeToDetect.mean").reason).toBeUndefined();
  expect(estimate(scored, "missRate").reason).toBeUndefined();
});

it("every field of a scorecard has an interval or a reason, never a share outside 0 and 1", () => {
  const one = fc.record({
    hidden: fc.boolean(),
    bad: fc.boolean(),
    back: fc.boolean(),
    service: fc.constantFrom(...SERVICES),
  });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 40 }), (all) => {
      const outcomes = all.map(({ hidden, bad, back, service }) => {
        const own = { ...(bad ? regression(9) : {}), service, ...(hidden ? HIDDEN : {}) };
        return back ? rolledBack(5, own) : outcome(own);
      });
      const scored = scoreOf(outcomes, { bootstraps: 20 });
      for (const { name } of FIELDS) {
        const { low, reason } = estimate(scored, name);
        if (reason === undefined) continue;
        expect(low).toBeNull();
        expect(reason.identified).toBeGreaterThanOrEqual(0);
        expect(reason.identified).toBeLessThan(0.5);
      }
    }),
    { numRuns: 60 },
  );
});

it("a share just below a half is not printed as a half", () => {
  expect(lessThanHalf(0.5)).toBeNull();
  expect(identifiedText(lessThanHalf(0.4996)!)).toBe("49.96 % identified");
  expect(identifiedText({ identified: 0.08 })).toBe("8 % identified");
});

describe("a sweep", () => {
  const of = (outcomes: readonly Outcome[]) => {
    const cells = Int32Array.from(outcomes, ({ service }) => SERVICES.indexOf(service));
    const scoring = { costs: DEFAULT_COSTS, timezoneOf: () => null };
    const maker = tableMaker(cells, SERVICES.length, outcomes, scoring);
    const rows = [maker.rowOf(outcomes)];
    const week = [0, 604_800_000];
    const table: SweepTable = { services: SERVICES, edgesMs: week, counts: maker.counts, rows };
    return frontierOf(table, [0, 1], [0], 0, resamplesOf(SERVICES.length, 50, 1));
  };

  it("gives such objectives no interval, by the same shares as the scorecard", () => {
    const { intervals, reasons } = of(world(2));
    expect(intervals[0]).toEqual({
      recoveryMinutes: null,
      falsePositiveRate: null,
      nightPages: null,
      cost: null,
    });
    const card = scoreOf(world(2));
    const same = { falsePositiveRate: "falsePositiveRate", cost: "cost", nightPages: "nightPages" };
    for (const [objective, field] of Object.entries(same)) {
      expect(reasons[0]![objective as keyof typeof same]).toEqual(estimate(card, field).reason);
    }
    expect(reasons[0]!.recoveryMinutes).toEqual(estimate(card, "mttr").reason);
  });

  it("gives the others theirs", () => {
    const { intervals, reasons } = of(world(13));
    expect(reasons[0]).toEqual({});
    expect(Object.values(intervals[0]!).every((one) => one !== null)).toBe(true);
  });
});
