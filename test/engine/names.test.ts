/** Names from outside that every object seems to have already work like any other name. */

import { describe, expect, test } from "vitest";
import {
  canonicalJson,
  chainEntry,
  CHAIN_START,
  handle,
  initialController,
  jsonObject,
  parsePolicy,
  restore,
  serialise,
  type Event,
} from "../../engine/index.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { HOSTILE_NAMES } from "./hostileNames.ts";
import { policyOf } from "./policyFile.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 2, 12, 9);
const ORDINARY = "cart-7";

/** One that breaches: id, service, metric and tag have this name. */
function events(name: string): Event[] {
  const told = (atMs: number) => ({ atMs, knownAtMs: atMs });
  const steps = Array.from({ length: 120 }, (_, index) => START_MS + (index - 60) * MINUTE_MS);
  const at = (atMs: number): Event => ({
    kind: "samplesTaken",
    ...told(atMs),
    columns: [
      {
        series: { service: name, metric: name, version: null, percentagePoint: 0.01 },
        atMs: Float64Array.of(atMs),
        knownAtMs: Float64Array.of(atMs),
        values: Float64Array.of((atMs > START_MS ? 40 : 20) + ((atMs / MINUTE_MS) % 2)),
      },
    ],
  });
  const seasons = new Map([[name, { startMs: 0, stepMs: MINUTE_MS, values: [1], days: 7 }]]);
  const tag = { deploymentId: name, service: name, tag: name, value: "true", signal: null };
  return [
    ...steps.filter((ms) => ms < START_MS).map(at),
    {
      kind: "contextPrepared",
      ...told(START_MS),
      deploymentId: name,
      context: { seasons, digest: "d" },
    },
    {
      kind: "deploymentTagged",
      ...told(START_MS),
      tag: {
        ...tag,
        ...{ validFromMs: null, validUntilMs: null, knownAtMs: START_MS },
        ...{ givenBy: "dana", approvedBy: "sam" },
      },
    },
    {
      kind: "deploymentStarted",
      ...told(START_MS),
      deployment: {
        ...{ deploymentId: name, service: name, environment: "production", kind: "code" },
        ...{ startedAtMs: START_MS, version: null, author: name, team: name, criticality: null },
      },
    },
    { kind: "stageReached", ...told(START_MS), deploymentId: name, share: 0.5 },
    ...steps.filter((ms) => ms >= START_MS).map(at),
    { kind: "clockAdvanced", ...told(START_MS + 61 * MINUTE_MS) },
  ];
}

/** @param signal the name of the only signal; the policy reads a tag of this name too */
function policyFor(name: string, signal: string) {
  const written = { metric: name, tolerance: "10%", detector: { kind: "eprocess" } };
  return policyOf({
    policy: "names",
    owner: "platform",
    watch: "1h",
    fusion: "evidence",
    signals: jsonObject([[signal, written]]),
    assign: [{ otherwise: "override" }],
  });
}

/** What is decided where the host restarts after every event, and the log of it. */
function run(name: string, signal: string): string {
  const policy = policyFor(name, signal);
  let state = initialController;
  let end = CHAIN_START;
  const lines: string[] = [];
  for (const event of events(name)) {
    const step = handle(policy, restore(serialise(state)), event);
    state = step.state;
    for (const { event: content, records } of step.handled) {
      for (const entry of [
        { kind: "event", content } as const,
        ...records.map((record) => ({ kind: "record", content: record }) as const),
      ]) {
        const added = chainEntry(end, entry, sha256);
        end = added.end;
        lines.push(canonicalJson((JSON.parse(added.line) as { content: unknown }).content));
      }
    }
  }
  return lines.join("\n");
}

describe.each(HOSTILE_NAMES)("%s", (name) => {
  test("as id, service, metric, tag and author it is decided on like any other", () => {
    const told = run(name, "latency");
    const ordinary = run(ORDINARY, "latency").replaceAll(
      policyFor(ORDINARY, "latency").digest,
      policyFor(name, "latency").digest,
    );
    expect(ordinary).toContain('"decision":"rollbackOrdered"');
    expect(told).toBe(ordinary.replaceAll(ORDINARY, name));
  });

  test("is a name like any other for a signal, or is refused at its place", () => {
    const written = (signal: string): unknown => ({
      policy: "names",
      owner: "platform",
      signals: jsonObject([[signal, { metric: "m", tolerance: "10%" }]]),
      assign: [{ otherwise: "override" }],
    });
    const parsed = parsePolicy(written(name), sha256);
    if (name !== "__proto__") {
      expect(parsed.policy?.signals.map((one) => one.name)).toEqual([name]);
      return;
    }
    expect(parsed.issues?.map(({ path }) => path)).toEqual([["signals", name]]);
  });

  test("no policy knows a signal of this name that it does not write", () => {
    const base = { policy: "names", owner: "platform", assign: [{ otherwise: "override" }] };
    const signals = { one: { metric: "m", tolerance: "10%" } };
    const wrong: readonly (readonly [object, readonly string[]])[] = [
      [{ context: { t: { signal: name, shifts: "tolerance" } } }, ["context", "t", "signal"]],
      [{ hardGuard: jsonObject([[name, { times: 5 }]]) }, ["hardGuard", name]],
      [
        { stages: { few: { upTo: "10%", signals: jsonObject([[name, { tier: "full" }]]) } } },
        ["stages", "few", "signals", name],
      ],
      [jsonObject([[name, {}]]), [name]],
    ];
    for (const [part, path] of wrong) {
      const input = { ...base, signals, ...part };
      expect(parsePolicy(input, sha256).issues?.map((issue) => issue.path)).toEqual([path]);
    }
  });

  test("a condition on a tag of this name holds where the tag is, or is refused", () => {
    const condition = { tags: jsonObject([[name, "*"]]) };
    const parsed = parsePolicy(
      {
        ...{
          policy: "names",
          owner: "platform",
          signals: { one: { metric: "m", tolerance: "10%" } },
        },
        assign: [{ when: condition, tier: "observe" }, { otherwise: "full" }],
      },
      sha256,
    );
    if (name === "__proto__") {
      expect(parsed.issues?.map(({ path }) => path)).toEqual([["assign", 0, "when", "tags", name]]);
    } else expect(parsed.policy?.assign[0]?.when).toEqual(condition);
  });
});
