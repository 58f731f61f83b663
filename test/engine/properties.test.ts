/**
 * What must hold for every history and every policy. A failure prints seed and path; a
 * bug that it finds leaves a trace in test/traces or a case in regressions.test.ts.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  handle,
  initialController,
  restore,
  serialise,
  type DecisionRecord,
  type Event,
  type SampleColumn,
  type SignalEvidence,
} from "../../engine/index.ts";
import { check, LIMIT_MS } from "./check.ts";
import { replay, type Shares } from "./columnar.ts";
import { talkingCase } from "./randomAgents.ts";
import { instantsOf, runLive, toBatches, type HostRun } from "./liveHost.ts";
import { changingCase, randomCase, START_MS, type Case } from "./randomCase.ts";

/** The run of a punctual host, and everything it reported but samples and the clock. */
function live(given: Case, index = 0): { run: HostRun; others: Event[] } {
  const run = runLive(
    given.policies[index]!,
    [...given.others, ...toBatches(given.columns)],
    given.answer,
  );
  const others = run.steps
    .map(({ event }) => event)
    .filter(({ kind }) => kind !== "samplesTaken" && kind !== "clockAdvanced");
  return { run, others };
}

/** Events that come before the samples of their instant. */
const before = new Set<Event["kind"]>([
  "deploymentStarted",
  "deploymentTagged",
  "stageReached",
  "haltOrdered",
  "policyChanged",
]);

/** A state holds hours of samples: at every event only in the long proofs. */
const RESTARTS_EVERY = process.env["SOAK"] === undefined ? 80 : 1;

const silent = (): null => null;

describe("one order, however it is cut", () => {
  test(
    "batches of any size give the same records and commands",
    () => {
      check(
        fc.property(changingCase, fc.array(fc.nat(999), { maxLength: 6 }), (given, cuts) => {
          const { run, others } = live(given);
          const instants = instantsOf(given.columns);
          // No batch reaches past an event: samples of its instant come before it or after it.
          const ends = others.flatMap(({ kind, knownAtMs }) =>
            before.has(kind) ? [knownAtMs - 1] : [knownAtMs],
          );
          const chosen = cuts.map((cut) => instants[cut % instants.length]!);
          const batches = toBatches(given.columns, [...chosen, ...ends, instants.at(-1)!]);
          // What fell due under a policy is decided under it, before another one is reported.
          const clock = others
            .filter(({ kind }) => kind === "policyChanged")
            .map(({ knownAtMs }) => knownAtMs - 1)
            .map((atMs): Event => ({ kind: "clockAdvanced", atMs, knownAtMs: atMs }));
          const told = [...others, ...batches, ...clock];
          const coarse = runLive(given.policies[0]!, told, silent, false);
          expect(coarse.records).toEqual(run.records);
          expect(coarse.commands).toEqual(run.commands);
        }),
      );
    },
    LIMIT_MS,
  );

  test(
    "whole columns give what a live host was told, shared between policies or not",
    () => {
      check(
        fc.property(fc.oneof(randomCase, talkingCase), (given) => {
          const shares: Shares = new Map();
          given.policies.forEach((policy, index) => {
            const { run, others } = live(given, index);
            for (const share of [null, shares]) {
              const columnar = replay(policy, given.columns, others, share);
              expect(columnar.records).toEqual(run.records);
              expect(columnar.commands).toEqual(run.commands);
            }
          });
        }),
      );
    },
    LIMIT_MS,
  );
});

describe("a host that restarts", () => {
  test(
    "a state written down and read again decides as before, after every event, and one that was " +
      "kept still gives the same step",
    () => {
      check(
        fc.property(changingCase, fc.nat(RESTARTS_EVERY), fc.nat(), (given, first, pick) => {
          const { run } = live(given);
          let state = initialController;
          for (const [index, { policy, event, records, commands }] of run.steps.entries()) {
            const restarts = (index + first) % RESTARTS_EVERY === 0;
            const step = handle(policy, restarts ? restore(serialise(state)) : state, event);
            expect(step.records).toEqual(records);
            expect(step.commands).toEqual(commands);
            state = step.state;
          }
          // All later steps were made from it since: none may have changed it.
          const kept = run.steps[pick % run.steps.length]!;
          const again = handle(kept.policy, kept.before, kept.event);
          expect(again.records).toEqual(kept.records);
          expect(again.commands).toEqual(kept.commands);
        }),
      );
    },
    LIMIT_MS,
  );
});

describe("no look-ahead", () => {
  const cutOff = (given: Case, atMs: number): Case => ({
    ...given,
    others: given.others.filter(({ knownAtMs }) => knownAtMs <= atMs),
    columns: given.columns.map((column): SampleColumn => {
      const count = Array.from(column.knownAtMs).filter((known) => known <= atMs).length;
      return {
        series: column.series,
        atMs: (column.atMs as Float64Array).slice(0, count),
        knownAtMs: (column.knownAtMs as Float64Array).slice(0, count),
        values: (column.values as Float64Array).slice(0, count),
      };
    }),
  });
  const until = (records: readonly DecisionRecord[], atMs: number): DecisionRecord[] =>
    records.filter(({ knownAtMs }) => knownAtMs <= atMs);

  test(
    "records come in the order of time, and cutting off what follows leaves those before as " +
      "they are, live and columnar",
    () => {
      check(
        fc.property(randomCase, fc.integer({ min: 240, max: 1400 }), (given, steps) => {
          const atMs = START_MS + steps * 5000;
          const cut = cutOff(given, atMs);
          const { run, others } = live(given);
          const times = run.records.map(({ knownAtMs }) => knownAtMs);
          expect(times).toEqual([...times].sort((a, b) => a - b));
          expect(until(live(cut).run.records, atMs)).toEqual(until(run.records, atMs));
          const before = others.filter(({ knownAtMs }) => knownAtMs <= atMs);
          if (!before.some(({ kind }) => kind === "deploymentStarted")) return;
          const columnar = replay(given.policies[0]!, cut.columns, before, null);
          expect(until(columnar.records, atMs)).toEqual(until(run.records, atMs));
        }),
      );
    },
    LIMIT_MS,
  );
});

/** From samples on; the machine alone has longer scripts and a model (machine.test.ts). */
describe("what a rollback needs", () => {
  /** Silence and doubt never do. */
  const speaks = ({ verdict, standing }: SignalEvidence): boolean =>
    verdict === "breach" || (standing !== null && standing.tagged > 0);

  test(
    "one at most, an owner, a standing breach or a person, and the whole window",
    () => {
      check(
        fc.property(fc.oneof(randomCase, talkingCase), (given) => {
          const policy = given.policies[0]!;
          const { run } = live(given);
          for (const id of new Set(run.records.map(({ deploymentId }) => deploymentId))) {
            const records = run.records.filter(({ deploymentId }) => deploymentId === id);
            const orders = records.filter(({ decision }) => decision === "rollbackOrdered");
            const commands = run.commands.filter(
              ({ kind, deploymentId }) => kind === "rollBack" && deploymentId === id,
            );
            expect(commands.length).toBe(orders.length);
            expect(orders.length).toBeLessThanOrEqual(1);
            for (const record of records) {
              expect(record.accountable).toBe("platform");
              expect(record.authority).not.toBe("");
              if (record.decision !== "proposed" && record.decision !== "rollbackOrdered") continue;
              // The context: which rule gave the tier, and a signal that speaks.
              expect(record.tierPath.length).toBeGreaterThan(0);
              if (record.decision !== "proposed" || record.agent?.alone === true) continue;
              expect(record.signals.some(speaks)).toBe(true);
            }
            const order = orders[0];
            if (order === undefined) continue;
            const earlier = records.slice(0, records.indexOf(order));
            expect(earlier.some(({ end }) => end !== null)).toBe(false);
            expect(order.tier).not.toBe("observe");
            const approved = order.reason.startsWith("approved by");
            if (approved) continue;
            const proposed = earlier.filter(({ decision }) => decision === "proposed").at(-1)!;
            if (order.agent?.alone === true) {
              const { agent, confidence } = order.agent;
              const rule = policy.agents!.find(({ name }) => name === agent)!;
              expect(confidence).toBeGreaterThanOrEqual(rule.aloneFrom!);
            } else if (policy.fusion === "evidence") {
              const asked = policy.tiers[proposed.tier!].confidence;
              expect(order.confidence).toBeGreaterThanOrEqual(asked);
            } else {
              expect(order.signals.some(({ verdict }) => verdict === "breach")).toBe(true);
            }
            const { override, approve } = policy.tiers;
            const waits = {
              full: 0,
              observe: 0,
              override: override.windowMs,
              approve: approve.escalate.reduce((sum, { slaMs }) => sum + slaMs, approve.slaMs),
            };
            expect(order.knownAtMs - proposed.knownAtMs).toBe(waits[proposed.tier!]);
          }
        }),
      );
    },
    LIMIT_MS,
  );
});

describe("time", () => {
  test(
    "shifting every time by a constant shifts times only",
    () => {
      check(
        fc.property(randomCase, fc.integer({ min: -10_000, max: 10_000 }), (given, seconds) => {
          const byMs = seconds * 1000;
          const moved: Case = {
            ...given,
            others: shift(given.others, byMs),
            columns: given.columns.map((column) => ({
              ...column,
              atMs: Float64Array.from(column.atMs, (ms) => ms + byMs),
              knownAtMs: Float64Array.from(column.knownAtMs, (ms) => ms + byMs),
            })),
          };
          const before = live(given).run;
          const after = live(moved).run;
          expect(after.records).toEqual(shift(before.records, byMs));
          expect(after.commands).toEqual(shift(before.commands, byMs));
        }),
      );
    },
    LIMIT_MS,
  );

  /** Adds to every `…AtMs`, `…FromMs` and the like, and nothing else. */
  function shift<Value>(value: Value, byMs: number): Value {
    return JSON.parse(JSON.stringify(value), (key, part: unknown) =>
      typeof part === "number" && /(^at|^until|^since|At|By|From|Until)Ms$/.test(key)
        ? part + byMs
        : part,
    ) as Value;
  }
});
