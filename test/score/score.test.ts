/** Scorecards against numbers worked out by hand. */

import { describe, expect, it } from "vitest";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { FIELDS } from "../../lab/score/fields.ts";
import {
  estimate,
  MINUTE_MS,
  NOON_MS,
  outcome,
  regression,
  rolledBack,
  scoreOf,
} from "../outcome/outcomes.ts";

const NUMBER: unknown = expect.any(Number);
const WORDS: unknown = expect.any(String);

const at = (minutes: number): number => NOON_MS + minutes * MINUTE_MS;
const NIGHT_MS = NOON_MS + 11 * 3_600_000; // 23:00 UTC

/** Twelve deployments of three services over two weeks. */
const DOZEN: readonly Outcome[] = [
  // Regressions: rolled back after 5 and 20 minutes, missed until 90, cut short by history.
  rolledBack(5, { ...regression(7), service: "cart", pagesAtMs: [at(5)], evidence: "modelled" }),
  rolledBack(20, {
    ...regression(22),
    service: "cart",
    detectedAtMs: at(10),
    proposedAtMs: at(12),
    approved: true,
    escalations: 2,
    pagesAtMs: [at(12), at(14), NIGHT_MS],
    untaggedProposedAtMs: at(11),
  }),
  outcome({ ...regression(90), service: "pay", end: "missed" }),
  outcome({
    ...regression(60),
    service: "pay",
    end: "undecidable",
    recoveredAtMs: null,
    recoveryBestMs: 8 * MINUTE_MS,
    evidence: "bounded",
    censoredAtMs: at(8),
    untaggedProposedAtMs: at(6),
  }),
  // A regression somebody overrode: proposed at 3, and over by itself at 41.
  outcome({
    ...regression(41),
    service: "shop",
    end: "overridden",
    verdict: "breach",
    detectedAtMs: at(2),
    proposedAtMs: at(3),
    decidedAtMs: at(4),
    proposals: 1,
    pagesAtMs: [at(3)],
  }),
  // Good ones: left alone twice, rolled back once, overridden once, spared by a tag once.
  outcome({ service: "cart" }),
  outcome({ service: "shop" }),
  rolledBack(9, { service: "shop", pagesAtMs: [NIGHT_MS] }),
  outcome({
    service: "shop",
    end: "overridden",
    verdict: "breach",
    proposedAtMs: at(3),
    proposals: 2,
    pagesAtMs: [at(3), at(9)],
    evidence: "unknown",
  }),
  outcome({ service: "pay", label: "expected_change", untaggedProposedAtMs: at(4) }),
  // Somebody else's incident and one that nobody labelled.
  rolledBack(9, { service: "pay", label: "unrelated_incident" }),
  rolledBack(9, { service: "pay", label: "unknown", ownerless: true, end: "rolledBack" }),
];

describe("a dozen outcomes by hand", () => {
  const scored = scoreOf(DOZEN);
  // One a line: what, how much, out of how many.
  const KNOWN: readonly (readonly [string, number, number?])[] = [
    ["deployments", 12],
    ["regressions", 5],
    ["benign", 5],
    ["unlabelled", 1],
    ["undecidable", 1],
    ["silent", 0],
    ["proposals", 2 + 1 + 1 + 2 + 2],
    ["rollbacks", 5],
    ["truePositiveRollbacks", 2],
    ["falsePositiveRollbacks", 1],
    ["earlyRollbacks", 0],
    ["unrelatedRollbacks", 1],
    ["unlabelledRollbacks", 1],
    ["falsePositiveShare", 1 / 3, 3],
    ["falsePositiveRate", 1 / 5, 5],
    ["missRate", 3 / 5, 5],
    ["precision", 2 / 3, 3],
    ["recall", 2 / 5, 5],
    ["f1", (2 * (2 / 3) * (2 / 5)) / (2 / 3 + 2 / 5)],
    // Detected at 5, 10 and 2; two never, which count an hour each.
    ["timeToDetect.mean", ((5 + 10 + 2 + 60 + 60) * 60) / 5, 5],
    ["timeToDetect.median", 10 * 60],
    ["timeToDetect.p90", 3600],
    ["timeToDetect.restrictedMean60m", ((5 + 10 + 2 + 60 + 60) * 60) / 5],
    ["timeToProposal.mean", ((5 + 12 + 3 + 60 + 60) * 60) / 5],
    ["timeToProposal.median", 12 * 60],
    ["timeToRollback.mean", ((5 + 20 + 60 + 60 + 60) * 60) / 5],
    ["timeToRollback.median", 3600],
    ["timeToRecovery.mean", ((7 + 22 + 90 + 60 + 41) * 60) / 5],
    ["timeToRecovery.median", 41 * 60],
    ["timeToRecovery.p90", 90 * 60],
    ["timeToRecovery.restrictedMean60m", ((7 + 22 + 60 + 60 + 41) * 60) / 5],
    ["mttr", ((7 + 22 + 90 + 60 + 41) * 60) / 5],
    ["pages", 8],
    ["nightPages", 2],
    ["pagesPerWeek", 4],
    ["approvals", 1],
    ["approvalsExpired", 0],
    ["escalations", 2],
    ["overrides", 2],
    ["harmfulOverrides", 1],
    ["toilHours", 2 * 3 + 8 * 0.25],
    // Rollbacks, false positives, degraded minutes, pages by day and night, toil.
    ["cost", 5 * 10 + 2 * 60 + 220 * 10 + (6 * 10 + 2 * 30) + 8 * 60],
    ["earlyAlarms", 0],
    ["tagSaved", 1],
    ["tagMasked", 2],
    ["ownerlessActions", 1],
    ["observedShare", 9 / 12, 12],
    ["modelledShare", 1 / 12],
    ["boundedShare", 1 / 12],
    ["unknownShare", 1 / 12],
  ];

  it.each(KNOWN.map(([name, value, n]) => ({ name, value, n })))("$name is $value", (known) => {
    const { name, value, n } = known;
    const found = estimate(scored, name);
    expect(found.value).toBeCloseTo(value, 7);
    if (n !== undefined) expect(found.n).toBe(n);
    expect(found.low).toBeLessThanOrEqual(found.value! + 1e-9);
    expect(found.high).toBeGreaterThanOrEqual(found.value! - 1e-9);
  });

  it("has the bounds of the mean time to recovery, and how much of it is identified", () => {
    const { mttrBounds, identifiedShare, cost } = scored.scorecard;
    expect(mttrBounds.best).toBeCloseTo(((7 + 22 + 90 + 8 + 41) * 60) / 5, 6);
    expect(mttrBounds.worst).toBeCloseTo(((7 + 22 + 90 + 60 + 41) * 60) / 5, 6);
    expect(identifiedShare).toBeCloseTo(4 / 5);
    const { parts } = cost;
    expect(parts).toEqual({
      rollbacks: 50,
      falsePositives: 120,
      degradation: 2200,
      pages: 120,
      toil: 480,
    });
  });

  it("has the bounds of its rates: what is open may have gone either way", () => {
    const { falsePositiveShareBounds, falsePositiveRateBounds, missRateBounds } = scored.scorecard;
    // One good one rolled back for certain, and one that may have been; a regression hidden.
    expect(falsePositiveRateBounds).toEqual({ best: 1 / 5, worst: 2 / 5 });
    expect(missRateBounds).toEqual({ best: 2 / 5, worst: 3 / 5 });
    expect(falsePositiveShareBounds).toEqual({ best: 1 / 4, worst: 2 / 4 });
  });

  it("names every field that was tested here, and no other", () => {
    const tested = new Set(KNOWN.map(([name]) => name));
    const shown = FIELDS.map(({ name }) => name).filter(
      (name) => !/\.(p90|restrictedMean60m)$/.test(name),
    );
    expect(shown.filter((name) => !tested.has(name))).toEqual([]);
  });
});

describe("the contract of the scorecard", () => {
  /** The names of the scorecard table in the method, in its order. */
  const NAMES = `deployments regressions benign unlabelled proposals rollbacks
    truePositiveRollbacks falsePositiveRollbacks unrelatedRollbacks falsePositiveShare
    falsePositiveRate missRate precision recall f1 timeToDetect timeToProposal timeToRollback
    timeToRecovery mttr mttrBounds identifiedShare pages nightPages pagesPerWeek approvals
    approvalsExpired escalations overrides harmfulOverrides toilHours cost tagSaved tagMasked
    ownerlessActions observedShare modelledShare boundedShare unknownShare`.split(/\s+/);

  it.each(NAMES)("has %s", (name) => {
    const field = scoreOf(DOZEN).scorecard[name];
    if (name === "mttrBounds") {
      expect(field).toEqual({ best: NUMBER, worst: NUMBER });
    } else if (name === "identifiedShare") {
      expect(field).toEqual(NUMBER);
    } else {
      const estimates = name.startsWith("timeTo")
        ? ["mean", "median", "p90", "restrictedMean60m"].map((one) => `${name}.${one}`)
        : [name];
      for (const one of estimates) {
        expect(estimate(scoreOf(DOZEN), one)).toMatchObject({
          value: NUMBER,
          low: NUMBER,
          high: NUMBER,
          n: NUMBER,
        });
      }
    }
  });

  it("says null and why where nothing is labelled, never zero", () => {
    const unlabelled = DOZEN.map((one) =>
      outcome({ ...one, label: "unknown", onsetAtMs: null, recoveryMs: null }),
    );
    const scored = scoreOf(unlabelled);
    for (const name of [
      "truePositiveRollbacks",
      "falsePositiveRollbacks",
      "unrelatedRollbacks",
      "falsePositiveShare",
      "falsePositiveRate",
      "missRate",
      "precision",
      "recall",
      "f1",
      "timeToDetect.mean",
      "timeToRecovery.p90",
      "mttr",
      "harmfulOverrides",
      "toilHours",
      "tagSaved",
      "tagMasked",
      "cost",
    ]) {
      const { value, low, high, why } = estimate(scored, name);
      expect({ name, value, low, high }).toEqual({ name, value: null, low: null, high: null });
      expect(why, name).toMatch(/label|onset/);
    }
    expect(scored.scorecard.mttrBounds).toEqual({ best: null, worst: null });
    expect(scored.scorecard.identifiedShare).toBeNull();
    // What needs no label is still said.
    expect(estimate(scored, "rollbacks").value).toBe(5);
    expect(estimate(scored, "pages").value).toBe(8);
    expect(estimate(scored, "unlabelled").value).toBe(12);
  });

  it("has no cost where no regression says since when: not to act would be free", () => {
    const untimed = DOZEN.map((one) => outcome({ ...one, onsetAtMs: null }));
    const { value, low, high, why } = estimate(scoreOf(untimed), "cost");
    expect({ value, low, high }).toEqual({ value: null, low: null, high: null });
    expect(why).toBe("no regression has a recorded onset");
    expect(estimate(scoreOf(untimed), "missRate").value).toBe(0.6);
  });

  it("prices a regression without an onset among others, and leaves it out of all times", () => {
    const scored = scoreOf([...DOZEN, outcome({ ...regression(60), onsetAtMs: null })]);
    const before = scoreOf(DOZEN);
    expect(estimate(scored, "cost").value).toBe(estimate(before, "cost").value! + 600);
    for (const name of ["mttr", "timeToDetect.mean", "timeToRecovery.p90"]) {
      expect(estimate(scored, name).value, name).toBe(estimate(before, name).value);
    }
  });

  it("shares of the evidence ledger add up to one", () => {
    const kinds = ["observedShare", "modelledShare", "boundedShare", "unknownShare"];
    const scored = scoreOf(DOZEN);
    const sum = kinds.reduce((total, name) => total + estimate(scored, name).value!, 0);
    expect(sum).toBeCloseTo(1, 9);
  });

  it("one service has no interval, and says so; few have one that is doubtful", () => {
    const one = estimate(scoreOf(DOZEN.map((each) => ({ ...each, service: "shop" }))), "pages");
    expect(one).toEqual({ value: 8, low: null, high: null, n: 12, why: WORDS });
    expect(estimate(scoreOf(DOZEN), "pages").why).toMatch(/^3 services count like 2.9 /);
  });
});

describe("answers nobody recorded", () => {
  const unknown = { evidence: "unknown" } as const;
  const boundsOf = (...outcomes: readonly Outcome[]): unknown => {
    const { scorecard } = scoreOf(outcomes);
    return [
      scorecard.falsePositiveRateBounds,
      scorecard.missRateBounds,
      scorecard.falsePositiveShareBounds,
    ];
  };
  const none = { best: null, worst: null };
  const either = { best: 0, worst: 1 };

  it("a good one that was rolled back may have been overridden, and the other way round", () => {
    expect(boundsOf(rolledBack(5, unknown))).toEqual([either, none, either]);
    const overridden = outcome({ ...unknown, end: "overridden", proposals: 1 });
    expect(boundsOf(overridden)).toEqual([either, none, either]);
  });

  it("a regression that was left may have been approved, and the other way round", () => {
    const expired = outcome({ ...regression(60), ...unknown, end: "expired", proposals: 1 });
    const nothingWrong = { best: 0, worst: 0 };
    expect(boundsOf(expired)).toEqual([none, either, nothingWrong]);
    const approved = rolledBack(5, { ...regression(7), ...unknown });
    expect(boundsOf(approved)).toEqual([none, either, nothingWrong]);
    // Beside a certain false positive it makes that one of two, or the only one.
    expect(boundsOf(approved, rolledBack(5))).toEqual([
      { best: 1, worst: 1 },
      either,
      { best: 1 / 2, worst: 1 },
    ]);
  });

  it("nothing is open where everything is known", () => {
    expect(boundsOf(outcome(), rolledBack(7, regression(9)))).toEqual([
      { best: 0, worst: 0 },
      { best: 0, worst: 0 },
      { best: 0, worst: 0 },
    ]);
    expect(boundsOf(outcome({ ...regression(9), end: "missed" }))).toEqual([
      none,
      { best: 1, worst: 1 },
      none,
    ]);
  });
});

describe("a tag saved a good deployment", () => {
  const spared = { untaggedProposedAtMs: at(4) };
  it.each([
    ["where it alone would have been proposed without it", outcome(spared), 1],
    ["not where it was proposed all the same", rolledBack(5, spared), 0],
    ["by the model where history cut it short", outcome({ ...spared, censoredAtMs: at(6) }), 1],
  ])("%s", (_, one, saved) => {
    expect(estimate(scoreOf([one]), "tagSaved").value).toBe(saved);
  });

  it("between none and all of those that history cut short", () => {
    const cut = { ...spared, censoredAtMs: at(6) };
    const all = [outcome(spared), outcome(cut), outcome(cut), rolledBack(8, cut)];
    const { tagSavedBounds } = scoreOf(all).scorecard;
    expect(tagSavedBounds).toEqual({ best: 4, worst: 1 });
  });
});

describe("a night page", () => {
  // Clocks go back in Berlin on 2026-10-25 at 01:00 UTC, and in New York a week later.
  const cases: readonly (readonly [string, string | null, string, number])[] = [
    ["21:59 in Berlin, summer time", "Europe/Berlin", "2026-10-24T19:59:00Z", 0],
    ["22:00 in Berlin, summer time", "Europe/Berlin", "2026-10-24T20:00:00Z", 1],
    ["06:59 in Berlin, winter time", "Europe/Berlin", "2026-10-25T05:59:00Z", 1],
    ["07:00 in Berlin, winter time", "Europe/Berlin", "2026-10-25T06:00:00Z", 0],
    ["21:30 in Berlin, winter time", "Europe/Berlin", "2026-10-25T20:30:00Z", 0],
    ["07:30 in New York, still summer time", "America/New_York", "2026-10-25T11:30:00Z", 0],
    ["06:30 in New York, winter time", "America/New_York", "2026-11-01T11:30:00Z", 1],
    ["22:15 in Kolkata, half an hour off", "Asia/Kolkata", "2026-10-25T16:45:00Z", 1],
    ["21:45 in Kolkata", "Asia/Kolkata", "2026-10-25T16:15:00Z", 0],
    ["23:00 UTC where nobody said", null, "2026-10-25T23:00:00Z", 1],
  ];
  it.each(cases)("%s", (_, timezone, time, nightPages) => {
    const page = outcome({ pagesAtMs: [Date.parse(time)] });
    const scored = scoreOf([page], { timezoneOf: () => timezone });
    expect(estimate(scored, "pages").value).toBe(1);
    expect(estimate(scored, "nightPages").value).toBe(nightPages);
  });

  it("is the night of its own service", () => {
    const pagesAtMs = [Date.parse("2026-10-25T20:30:00Z")];
    const scored = scoreOf(
      ["bombay", "york"].map((service) => outcome({ service, pagesAtMs })),
      { timezoneOf: (service) => (service === "york" ? "America/New_York" : "Asia/Kolkata") },
    );
    expect(estimate(scored, "nightPages").value).toBe(1);
  });
});

describe("a deployment that was silent", () => {
  const silent = { label: "regression", silent: true } as const;
  const valueIn = (name: string, ...outcomes: Outcome[]) => estimate(scoreOf(outcomes), name).value;

  it("could not be judged, and is no plain miss, also where another took its place", () => {
    const all = [
      outcome({ ...silent, end: "undecidable" }),
      outcome({ ...silent, end: "superseded" }),
      outcome({ label: "regression", end: "missed" }),
      outcome({ end: "undecidable" }),
    ];
    expect(valueIn("undecidable", ...all)).toBe(3);
    expect(valueIn("silent", ...all)).toBe(2);
    expect(valueIn("missRate", ...all)).toBeCloseTo(1 / 3, 3);
  });

  it("counts as any other once it came back, and where history cut it short", () => {
    const all = [
      outcome({ ...silent, end: "missed" }),
      outcome({ ...silent, end: "rolledBack", rolledBack: true }),
      outcome({ ...silent, end: "undecidable", censoredAtMs: NOON_MS }),
    ];
    expect(valueIn("silent", ...all)).toBe(0);
    expect(valueIn("missRate", ...all)).toBeCloseTo(2 / 3, 3);
  });
});
