/**
 * What people's answers teach: the same from a log as on the way, bounded, and never a reason
 * to act sooner.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  initialController,
  initialFleet,
  learnedFrom,
  restore,
  serialise,
  stands,
  step,
  type DecisionRecord,
  type FleetState,
  type Handled,
  type Lesson,
  type Policy,
  type Step,
} from "../../engine/index.ts";
import { isKept } from "../../engine/audit.ts";
import { learnedOf } from "../../engine/learn/discount.ts";
import { initialLearning, learn } from "../../engine/learn/lessons.ts";
import { check, LIMIT_MS } from "./check.ts";
import { judgedCase, overridesBefore, runJudged } from "./judgedFleet.ts";
import { policyOf } from "./policyFile.ts";
import { START_MS } from "./randomCase.ts";

const DAY_MS = 86_400_000;
const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);

const SETTINGS = { halfLifeMs: 90 * DAY_MS, atLeast: 1, discountAtMost: 0.5 };

const lesson = fc
  .record({
    deploymentId: oneOf("p1", "p2", "p3"),
    service: oneOf("api", "api", "api", "db"),
    environment: oneOf("production", "production", "staging"),
    kind: oneOf("code" as const, "code" as const, "migration" as const),
    signals: oneOf(["latency"], ["errors", "latency", "wide"], ["errors", "latency", "wide"]),
    answer: oneOf("override" as const, "override" as const, "approval" as const),
    by: oneOf("dana", "kim", "lee", "sam"),
    daysAgo: fc.nat(400),
    quick: oneOf(false, false, true),
    followUp: oneOf("none" as const, "health" as const, "health" as const, "harm" as const),
  })
  .map(({ daysAgo, answer, followUp, ...given }): Lesson => ({
    ...given,
    answer,
    followUp: answer === "approval" ? "none" : followUp,
    atMs: START_MS - daysAgo * DAY_MS,
  }));
const lessons = fc
  .array(lesson, { maxLength: 60 })
  .map((all) => all.toSorted((a, b) => a.atMs - b.atMs));
function seeded(known: readonly Lesson[]): FleetState {
  return { ...initialFleet, learning: { open: [], lessons: known } };
}

describe("lessons", () => {
  test(
    "read from the log they are what the machine holds, after any event and any restart",
    () => {
      const taught = { answers: 0, health: 0, harm: 0, quick: 0 };
      check(
        fc.property(judgedCase, fc.nat(4), ({ policy, events, answer }, every) => {
          let read = initialLearning;
          let count = 0;
          const log: Handled[] = [];
          runJudged(policy, initialFleet, events, answer, (before, event, next) => {
            expect(before.learning).toEqual(read);
            const state = { ...initialController, fleet: before };
            const restored = count++ % 5 === every ? restore(serialise(state)).fleet : before;
            expect(step(policy, restored, event)).toEqual(next);
            const one: Handled = { event, records: next.records };
            if (!isKept(one)) return;
            const written = JSON.parse(JSON.stringify(one)) as Handled;
            log.push(written);
            read = learn(read, written);
          });
          expect(learnedFrom(log)).toEqual(read);
          for (const { followUp, quick } of read.lessons) {
            taught.answers++;
            if (followUp !== "none") taught[followUp]++;
            if (quick) taught.quick++;
          }
        }),
      );
      for (const times of Object.values(taught)) expect(times).toBeGreaterThan(3);
    },
    LIMIT_MS,
  );
});

describe("what was learned", () => {
  const deployment = {
    deploymentId: "d1",
    service: "api",
    environment: "production",
    kind: "code" as const,
    startedAtMs: START_MS,
    version: null,
    author: null,
    team: null,
    criticality: null,
  };
  const odds = (share: number): number => share / (1 - share);
  const of = (known: readonly Lesson[], sure: number, settings = SETTINGS) =>
    learnedOf(settings, known, deployment, ["latency"], sure, START_MS);
  const override = (given: Partial<Lesson> = {}): Lesson => ({
    ...{ deploymentId: "p1", service: "api", environment: "production", kind: "code" as const },
    ...{ signals: ["latency"], answer: "override", by: "dana", atMs: START_MS },
    ...{ quick: false, followUp: "health" },
    ...given,
  });
  const by = (...people: readonly string[]): Lesson[] =>
    people.map((person) => override({ by: person }));

  test(
    "only lowers a confidence, to a quarter of the odds and by the policy's share at most",
    () => {
      check(
        fc.property(
          lessons,
          fc.double({ min: 0.01, max: 0.999, noNaN: true }),
          oneOf(0.1, 0.5, 0.9),
          (known, sure, discountAtMost) => {
            const found = of(known, sure, { ...SETTINGS, discountAtMost });
            if (found === null) return;
            expect(found.confidence).toBeLessThan(sure);
            expect(found.confidence).toBeGreaterThanOrEqual(sure * (1 - discountAtMost) - 1e-12);
            expect(odds(found.confidence)).toBeGreaterThanOrEqual(odds(sure) / 4 - 1e-9);
            expect(found.weight).toBeGreaterThanOrEqual(SETTINGS.atLeast);
          },
        ),
      );
    },
    LIMIT_MS,
  );

  test("is worked out by hand: four confirmed overrides at 93 %", () => {
    const found = of(by("dana", "kim", "lee", "sam"), 0.93)!;
    // f = (4 + 10·½) / (4 + 10), odds times (1 − f)/f.
    expect(found.falseShare).toBeCloseTo(9 / 14, 12);
    expect(odds(found.confidence)).toBeCloseTo((odds(0.93) * 5) / 9, 9);
    expect(found.says).toBe(
      "4 of 4 similar latency proposals after code changes of api were overridden " +
        "(decayed weight 4): confidence 93 % → 88.1 %",
    );
  });

  test("needs the weight that the policy asks for, and loses half of it in a half-life", () => {
    const four = by("dana", "kim", "lee", "sam");
    expect(of(four, 0.93, { ...SETTINGS, atLeast: 4 })).not.toBeNull();
    expect(of(four, 0.93, { ...SETTINGS, atLeast: 5 })).toBeNull();
    const old = four.map((one) => ({ ...one, atMs: START_MS - 90 * DAY_MS }));
    expect(of(old, 0.93)!.weight).toBeCloseTo(2, 12);
  });

  test.each([
    ["an override that nothing confirms weighs half", { followUp: "none" as const }, 2],
    ["a quick one a quarter", { quick: true }, 1],
  ])("%s", (_what, given, weight) => {
    const four = by("dana", "kim", "lee", "sam").map((one) => ({ ...one, ...given }));
    expect(of(four, 0.93)!.weight).toBeCloseTo(weight, 12);
  });

  test("one person has three tenths of the say at most", () => {
    const one = Array.from({ length: 20 }, () => override());
    expect(of(one, 0.93)!.weight).toBeCloseTo(6, 12);
    const two = [...one, ...Array.from({ length: 5 }, () => override({ by: "kim" }))];
    expect(of(two, 0.93)!.weight).toBeCloseTo(0.3 * 25 + 5, 12);
  });

  test("who always says the same has a quarter of the say", () => {
    const stamp = (count: number): Lesson[] =>
      ["dana", "kim", "lee", "sam"].flatMap((person) =>
        Array.from({ length: count }, () => override({ by: person })),
      );
    expect(of(stamp(49), 0.93)!.weight).toBeCloseTo(196, 9);
    expect(of(stamp(50), 0.93)!.weight).toBeCloseTo(50, 9);
  });

  test("a harmful override weighs three approvals", () => {
    const four = by("dana", "kim", "lee", "sam");
    const harm = override({ followUp: "harm" });
    expect(of([...four, harm], 0.93)!.falseShare).toBeCloseTo(9 / 17, 12);
    expect(of([...four, harm], 0.93)!.says).toContain("5 of 5");
    expect(of([...four, harm], 0.93)!.says).toContain("1 of them harmful");
    expect(of([...four, harm, harm], 0.93)).toBeNull();
  });

  test("wider circles stand in for what is not known here, and never alone", () => {
    const elsewhere = Array.from({ length: 5 }, () => by("dana", "kim", "lee", "sam")).flat();
    const others = elsewhere.map((one) => ({ ...one, service: "db" }));
    expect(of(others, 0.93)).toBeNull();
    const alone = of(by("dana", "kim", "lee", "sam"), 0.93)!;
    const joined = of([...others, ...by("dana", "kim", "lee", "sam")], 0.93)!;
    // Twenty elsewhere: 25/30 in the wider circle; the service's other signals say nothing more.
    expect(joined.falseShare).toBeCloseTo((4 + 10 * (25 / 30)) / 14, 12);
    expect(joined.confidence).toBeLessThan(alone.confidence);
    expect(joined.weight).toBe(alone.weight);
  });

  test("the signal that people overrode least decides", () => {
    const four = by("dana", "kim", "lee", "sam");
    const both = (known: readonly Lesson[]) =>
      learnedOf(SETTINGS, known, deployment, ["errors", "latency"], 0.93, START_MS);
    expect(both(four)).toBeNull();
    const errors = four.map((one) => ({ ...one, signals: ["errors"] }));
    expect(
      both([...four, ...errors, override({ signals: ["errors"], answer: "approval" })]),
    ).toMatchObject({ signal: "errors" });
  });

  test("answers in another environment teach nothing here", () => {
    const staging = by("dana", "kim", "lee", "sam").map((one) => ({
      ...one,
      environment: "staging",
    }));
    expect(of(staging, 0.93)).toBeNull();
  });
});

describe("a machine that learned", () => {
  const AUTHORITY = ["full", "override", "approve", "observe"];
  const ordersIn = ({ commands }: Pick<Step, "commands">): readonly string[] =>
    commands.flatMap((one) => (one.kind === "rollBack" ? [one.deploymentId] : []));

  test(
    "has one tier less at most, asks when it would have, and never acts where it would not",
    () => {
      let relaxed = 0;
      let guards = 0;
      check(
        fc.property(judgedCase, overridesBefore, ({ policy, events, answer }, known) => {
          runJudged(policy, seeded(known), events, answer, (before, event, next) => {
            const unlearned = step(policy, { ...before, learning: initialLearning }, event);
            expect(ordersIn(unlearned)).toEqual(expect.arrayContaining([...ordersIn(next)]));
            for (const [index, record] of next.records.entries()) {
              const { learned, tier, confidence, signals } = record;
              if (learned === undefined) continue;
              expect(learned.confidence).toBeLessThan(confidence!);
              expect(signals.some(({ hardGuard }) => hardGuard === true)).toBe(false);
              const shadow = unlearned.records[index]!;
              expect(shadow).toMatchObject({ decisionId: record.decisionId, confidence });
              if (learned.tierWithout === null) continue;
              relaxed++;
              expect(shadow.tier).toBe(learned.tierWithout);
              expect(AUTHORITY.indexOf(tier!)).toBe(AUTHORITY.indexOf(learned.tierWithout) + 1);
              expect(learned.confidence).toBeLessThan(policy.tiers[learned.tierWithout].confidence);
            }
            for (const state of next.state.deployments) {
              if (state.guarded !== true || state.phase.name !== "proposed") continue;
              guards++;
              const { knownAtMs } = event;
              // What still holds the question back would have done so with nothing learned.
              if (stands(policy, state, knownAtMs, "tagged"))
                expect(state.phase.learned).toBe(undefined);
            }
          });
        }),
      );
      expect(relaxed).toBeGreaterThan(10);
      expect(guards).toBeGreaterThan(20);
    },
    LIMIT_MS,
  );

  test(
    "rolls no deployment back earlier, and only one that would have been, or was held long ago",
    () => {
      let fewer = 0;
      check(
        fc.property(judgedCase, overridesBefore, ({ policy, events }, known) => {
          const recordsOf = (fleet: FleetState) =>
            runJudged(policy, fleet, events).flatMap(({ records }) => records);
          const isOrder = ({ decision }: DecisionRecord) => decision === "rollbackOrdered";
          const without = recordsOf(initialFleet);
          const orders = recordsOf(seeded(known)).filter(isOrder);
          for (const { deploymentId, knownAtMs } of orders) {
            const own = without.filter((one) => one.deploymentId === deploymentId);
            const end = own.find(isOrder) ?? own.find((one) => one.end === "held");
            expect(end?.knownAtMs).toBeLessThanOrEqual(knownAtMs);
          }
          fewer += without.filter(isOrder).length - orders.length;
        }),
      );
      expect(fewer).toBeGreaterThan(5);
    },
    LIMIT_MS,
  );

  test(
    "decides as ever where the policy does not listen, whatever is known",
    () => {
      check(
        fc.property(judgedCase, overridesBefore, ({ deaf, events, answer }, known) => {
          const handled = runJudged(deaf, initialFleet, events, answer);
          const again = handled.map(({ event }) => event);
          expect(runJudged(deaf, seeded(known), again)).toEqual(handled);
        }),
      );
    },
    LIMIT_MS,
  );

  test(
    "decides as ever where it listens and nobody has answered yet",
    () => {
      check(
        fc.property(judgedCase, ({ policy, deaf, events }) => {
          const records = (one: Policy) =>
            runJudged(one, initialFleet, events).flatMap((handled) =>
              handled.records.map((record) => ({ ...record, policyDigest: "" })),
            );
          expect(records(policy)).toEqual(records(deaf));
        }),
      );
    },
    LIMIT_MS,
  );
});

describe("in the policy language", () => {
  const written = {
    policy: "p",
    owner: "platform",
    signals: { latency: { metric: "latency", tolerance: "10%", detector: { kind: "eprocess" } } },
    fusion: "evidence",
    assign: [{ otherwise: "override" }],
  };

  test("has defaults, and switched off is the same policy", () => {
    const on = policyOf({ ...written, learning: {} });
    expect(on.learning).toEqual({ ...SETTINGS, atLeast: 5 });
    const off = policyOf({ ...written, learning: { fromOverrides: false, halfLife: "10d" } });
    expect(off).toEqual(policyOf(written));
    expect(on.digest).not.toBe(off.digest);
  });

  test.each([
    ["any", "any"],
    [{ atLeast: 1 }, "atLeast"],
  ])("fusion %j has no confidence to lower", (fusion, name) => {
    expect(() => policyOf({ ...written, fusion, learning: {} })).toThrow(
      `learning: lowers a confidence, and under \`fusion: ${name}\` there is none: ` +
        "write `fusion: evidence`, or `learning: { fromOverrides: false }`",
    );
    expect(() =>
      policyOf({ ...written, fusion, learning: { fromOverrides: false } }),
    ).not.toThrow();
  });
});
