/**
 * What one event costs the controller of a live host: it must not grow with all that is watched.
 */

import { describe, expect, test } from "vitest";
import {
  controllerDueAtMs,
  handle,
  initialController,
  type ControllerState,
  type Event,
  type Policy,
  type SampleColumn,
} from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

const START_MS = Date.UTC(2026, 2, 2, 9);
const STEP_MS = 15_000;
const PAST = 80;

const LATENCY = {
  metric: "latency",
  worse: "up",
  tolerance: "10%",
  detector: { kind: "cusum", baseline: "20m", season: false },
};
const WRITTEN = {
  policy: "costs",
  owner: "platform",
  watch: "60m",
  signals: { latency: LATENCY },
  fusion: "any",
  assign: [{ otherwise: "override" }],
};
const POLICY = policyOf(WRITTEN);

/** The policy, and how often the engine has looked at one of its signals. */
function counted(): { readonly policy: Policy; readonly looks: () => number } {
  let looks = 0;
  const signals = POLICY.signals.map(
    (signal) =>
      new Proxy(signal, {
        get: (target, key): unknown => {
          looks++;
          return Reflect.get(target, key);
        },
      }),
  );
  return { policy: { ...POLICY, signals }, looks: () => looks };
}

function samples(services: number, from: number, to: number): Event {
  const atMs = Float64Array.from(
    { length: to - from },
    (_, at) => START_MS + (from + at) * STEP_MS,
  );
  const columns = Array.from({ length: services }, (_, index): SampleColumn => {
    const series = { service: `s${index}`, metric: "latency", version: null, percentagePoint: 1 };
    const values = atMs.map((at) => 100 + ((index + at / STEP_MS) % 7));
    return { series, atMs, knownAtMs: atMs, values };
  });
  const knownAtMs = atMs.at(-1)!;
  return { kind: "samplesTaken", atMs: knownAtMs, knownAtMs, columns };
}

function started(index: number, atMs: number): Event {
  const deployment = {
    deploymentId: `d${index}`,
    service: `s${index}`,
    environment: "production",
    kind: "code",
    startedAtMs: atMs,
    version: null,
    author: null,
    team: null,
    criticality: null,
  } as const;
  return { kind: "deploymentStarted", atMs, knownAtMs: atMs, deployment };
}

const NOW_MS = START_MS + (PAST - 1) * STEP_MS + 1;

/** So many deployments are watched, and none has a sample since its start. */
function watching(policy: Policy, watches: number): ControllerState {
  let state = handle(policy, initialController, samples(watches + 1, 0, PAST)).state;
  for (let index = 0; index < watches; index++) {
    state = handle(policy, state, started(index, NOW_MS)).state;
  }
  return state;
}

describe("an event that concerns one deployment", () => {
  const AT = { atMs: NOW_MS + 1, knownAtMs: NOW_MS + 1 };
  const tag = {
    ...{ deploymentId: "d1", service: "s1", tag: "expected_change", value: "yes", signal: null },
    ...{ validFromMs: NOW_MS, validUntilMs: null, knownAtMs: AT.knownAtMs },
    ...{ givenBy: "anna", approvedBy: null },
  };
  const EVENTS: readonly ((watches: number) => Event)[] = [
    (watches) => started(watches, NOW_MS + 1),
    () => ({ kind: "deploymentTagged", ...AT, tag }),
    () => ({ kind: "overrideGiven", ...AT, deploymentId: "d1", by: "anna", justification: "no" }),
    () => ({ kind: "deploymentQuarantined", ...AT, deploymentId: "d1", reason: "test" }),
    () => ({ kind: "faultReported", ...AT, source: "test", reason: "test" }),
    () => ({ kind: "clockAdvanced", ...AT }),
  ];

  test("asks nothing about the signals of the others", () => {
    const looksAt = (watches: number): number[] => {
      const { policy, looks } = counted();
      const before = watching(policy, watches);
      controllerDueAtMs(policy, before);
      return EVENTS.map((eventFor) => {
        const from = looks();
        const { state } = handle(policy, before, eventFor(watches));
        controllerDueAtMs(policy, state);
        return looks() - from;
      });
    };
    expect(looksAt(60)).toEqual(looksAt(20));
  });

  test("leaves the watches of the others as they are", () => {
    const before = watching(POLICY, 20);
    for (const eventFor of EVENTS) {
      const { watches } = handle(POLICY, before, eventFor(20)).state;
      for (const [id, watch] of before.watches)
        if (id !== "d1") expect(watches.get(id)).toBe(watch);
    }
  });
});

test("samples of one service leave the watches of the others as they are", () => {
  const before = watching(POLICY, 20);
  const { watches } = handle(POLICY, before, samples(1, PAST, PAST + 1)).state;
  const touched = [...watches].filter(([id, watch]) => watch !== before.watches.get(id));
  expect(touched.map(([id]) => id)).toEqual(["d0"]);
});

test.each([
  ["cusum", 0],
  ["mannWhitney", PAST],
])("a watch drops the samples of its baseline, and %s keeps %i residuals", (kind, residuals) => {
  const detector = { kind, baseline: "20m", season: false };
  const signals = { latency: { ...LATENCY, detector } };
  const policy = policyOf({ ...WRITTEN, signals });
  const before = watching(policy, 1);
  const after = handle(policy, before, samples(1, PAST, PAST + 1)).state;
  const kept = ({ watches }: ControllerState): unknown[] =>
    [...watches.get("d0")!.signals.get("latency")!.tracks.values()].map(
      ({ pastAtMs, pastValues, baseline }) => [
        pastAtMs.length + pastValues.length,
        baseline?.residuals.length,
      ],
    );
  expect(kept(before)).toEqual([[2 * PAST, undefined]]);
  expect(kept(after)).toEqual([[0, residuals]]);
});
