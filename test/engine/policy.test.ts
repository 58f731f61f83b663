/** The policy language: shipped files parse, bad ones say where and what, digests mean content. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { canonicalJson, parsePolicy } from "../../engine/index.ts";
import { check } from "./check.ts";
import { policyOf, readPolicy, sha256 } from "./policyFile.ts";

const FOLDER = new URL("../../scenarios/policies/", import.meta.url).pathname;
const latency = { metric: "latency_p95_ms", tolerance: "10%" };
const good = {
  policy: "p",
  owner: "platform",
  signals: { latency },
  assign: [{ otherwise: "full" }],
};

describe("shipped policies", () => {
  const files = readdirSync(FOLDER);

  test("are all there", () => {
    for (const name of [
      "full-autonomy",
      "two-minute-override",
      "five-minute-override",
      "human-approval",
      "naive-threshold",
      "tagged-threshold",
    ]) {
      expect(files).toContain(`${name}.yaml`);
    }
  });

  test("the one to copy from the README is whole", () => {
    const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
    const [, written] = /```yaml\n([^`]*)```/.exec(readme)!;
    expect(policyOf(parse(written!)).policy).toBe("my-first");
  });

  test("the four tiers differ in tiers only, the two thresholds in context only", () => {
    const read = (name: string) => readPolicy(join(FOLDER, `${name}.yaml`));
    const [first, ...rest] = [
      read("full-autonomy"),
      read("two-minute-override"),
      read("five-minute-override"),
      read("human-approval"),
    ];
    for (const policy of rest) {
      const { signals, fusion, watchMs, modes, context, guardrails } = policy;
      expect(first).toMatchObject({ signals, fusion, watchMs, modes, context, guardrails });
    }
    const naive = read("naive-threshold");
    const { signals, tiers, assign, watchMs, fusion } = read("tagged-threshold");
    expect(naive).toMatchObject({ signals, tiers, assign, watchMs, fusion });
    expect(naive.context).toEqual([]);
    expect(naive.modes).toEqual([]);
  });
});

describe("what is not allowed", () => {
  const signal = (more: object): object => ({ signals: { latency: { ...latency, ...more } } });

  test.each<[string, object, string, RegExp]>([
    ["an unknown key", { gaurdrails: {} }, "gaurdrails", /unknown key `gaurdrails`/],
    ["an unknown key inside", signal({ holds: "1m" }), "signals.latency.holds", /unknown key/],
    ["no owner", { owner: undefined }, "owner", /accountable owner/],
    ["a blank owner", { owner: "  " }, "owner", /accountable owner/],
    ["a number as owner", { owner: 7 }, "owner", /accountable owner/],
    ["a bad duration", { watch: "60 minutes" }, "watch", /duration such as 90s/],
    ["a number as duration", { watch: 60 }, "watch", /duration such as 90s/],
    ["a bad tolerance", signal({ tolerance: "ten" }), "signals.latency.tolerance", /10% or 1pp/],
    ["no tolerance", signal({ tolerance: undefined }), "signals.latency.tolerance", /10% or 1pp/],
    ["a bad direction", signal({ worse: "left" }), "signals.latency.worse", /up/],
    [
      "more breaches than samples",
      signal({ detector: { kind: "threshold", breaches: 4, of: 3 } }),
      "signals.latency.detector.breaches",
      /cannot be more than `of`/,
    ],
    [
      "a spike that is a breach",
      signal({ detector: { kind: "cusum", clip: 12, limit: 12 } }),
      "signals.latency.detector.clip",
      /below `limit`/,
    ],
    [
      "an unknown detector",
      signal({ detector: { kind: "magic" } }),
      "signals.latency.detector.kind",
      /./,
    ],
    ["no signals", { signals: {} }, "signals", /at least one signal/],
    ["no assignment", { assign: [] }, "assign", /at least \{ otherwise/],
    [
      "an assignment without otherwise",
      { assign: [{ when: { kind: "code" }, tier: "full" }] },
      "assign",
      /end the list with \{ otherwise/,
    ],
    [
      "a rule below otherwise",
      { assign: [{ otherwise: "full" }, { otherwise: "approve" }] },
      "assign.0",
      /hides every rule below/,
    ],
    [
      "an unknown tier",
      { assign: [{ otherwise: "maybe" }] },
      "assign.0.otherwise",
      /expected full, override, approve or observe/,
    ],
    [
      "an unknown tier of a rule",
      { assign: [{ when: {}, tier: "maybe" }, { otherwise: "full" }] },
      "assign.0.tier",
      /expected full, override, approve or observe/,
    ],
    [
      "a misspelt key of a rule",
      { assign: [{ when: {}, tier: "full", teir: "full" }, { otherwise: "full" }] },
      "assign.0.teir",
      /unknown key/,
    ],
    [
      "an unknown criticality of a rule",
      { assign: [{ when: { criticality: "huge" }, tier: "full" }, { otherwise: "full" }] },
      "assign.0.when.criticality",
      /expected low, medium, high or critical/,
    ],
    [
      "an unknown kind in a list",
      { assign: [{ when: { kind: ["code", "data"] }, tier: "full" }, { otherwise: "full" }] },
      "assign.0.when.kind.1",
      /expected code, config, migration, infrastructure or feature_flag/,
    ],
    [
      "a number as a tag's value",
      { guardrails: { never: [{ when: { tags: { frozen: 1 } } }] } },
      "guardrails.never.0.when.tags.frozen",
      /text, true or false/,
    ],
    [
      "no entry at all",
      { assign: ["full", { otherwise: "full" }] },
      "assign.0",
      /expected \{ when/,
    ],
    ["more breaches than signals", { fusion: { atLeast: 2 } }, "fusion.atLeast", /signals, 1/],
    ["a watch of nothing", { watch: "0s" }, "watch", /above 0s/],
    ["no window", { tiers: { override: { window: "0s" } } }, "tiers.override.window", /above 0s/],
    ["no time to approve", { tiers: { approve: { sla: "0m" } } }, "tiers.approve.sla", /above 0s/],
    [
      "no time in an escalation",
      { tiers: { approve: { escalate: [{ to: "lead", sla: "0s" }] } } },
      "tiers.approve.escalate.0.sla",
      /above 0s/,
    ],
    [
      "a context rule without a signal",
      { context: { spike: { shifts: "tolerance" } } },
      "context.spike",
      /which `signal`/,
    ],
    [
      "a context rule of no such signal",
      { context: { spike: { shifts: "tolerance", signal: "errors" } } },
      "context.spike.signal",
      /no such signal; this policy has latency/,
    ],
    [
      "a signal by the name of a method",
      { context: { spike: { shifts: "tolerance", signal: "toString" } } },
      "context.spike.signal",
      /no such signal/,
    ],
    [
      "a mode of no such signal",
      { modes: { busy: { when: {}, signals: ["errors"] } } },
      "modes.busy.signals.0",
      /no such signal/,
    ],
    ["a bad fusion", { fusion: "most" }, "fusion", /any, all, evidence, \{ atLeast/],
    ["an endless watch", { watch: "36500d" }, "watch", /at most 30d/],
    [
      "an endless window",
      { tiers: { override: { window: "31d" } } },
      "tiers.override.window",
      /at most 30d/,
    ],
    [
      "an escalation without end",
      { tiers: { approve: { escalate: Array(21).fill({ to: "boss", sla: "1m" }) } } },
      "tiers.approve.escalate",
      /at most 20 steps/,
    ],
    [
      "an endless cooldown",
      { guardrails: { cooldown: "8d" } },
      "guardrails.cooldown",
      /at most 7d/,
    ],
    [
      "a budget of nothing known",
      { guardrails: { rollbackBudget: { per: "planet", max: 1, in: "1h" } } },
      "guardrails.rollbackBudget.per",
      /service, team or fleet/,
    ],
    [
      "a storm of one",
      { guardrails: { stormBrake: { services: 1, in: "10m" } } },
      "guardrails.stormBrake.services",
      />=2/,
    ],
    [
      "a bad ceiling",
      { guardrails: { toleranceAtMost: "lots" } },
      "guardrails.toleranceAtMost",
      /15%/,
    ],
    [
      "a bad escalation",
      { tiers: { approve: { escalate: [{ to: "", sla: "1m" }] } } },
      "tiers.approve.escalate.0.to",
      /./,
    ],
  ])("%s", (_name, change, path, message) => {
    const { policy, issues } = parsePolicy({ ...good, ...change }, sha256);
    expect(policy).toBeNull();
    const found = issues!.filter((issue) => issue.path.join(".") === path);
    expect(found.map((issue) => issue.message).join("\n")).toMatch(message);
    expect(issues).toHaveLength(found.length);
  });

  test.each([[null], [[]], ["policy"], [7]])("%j is no policy", (input) => {
    expect(parsePolicy(input, sha256).policy).toBeNull();
  });

  test("everything that is wrong is said at once", () => {
    const { issues } = parsePolicy({ ...good, watch: "x", owner: "", more: 1 }, sha256);
    expect(issues!.map(({ path }) => path.join(".")).sort()).toEqual(["more", "owner", "watch"]);
  });
});

describe("digest", () => {
  const shuffled = (value: unknown, seed: number): unknown => {
    if (Array.isArray(value)) return value.map((one) => shuffled(one, seed));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, one]) => [key, shuffled(one, seed)] as const);
    const at = entries.length === 0 ? 0 : seed % entries.length;
    return Object.fromEntries([...entries.slice(at), ...entries.slice(0, at)]);
  };
  const written = {
    ...good,
    signals: { latency, errors: { metric: "error_rate", tolerance: "1pp", worse: "up" } },
    modes: {
      b: { when: { kind: "code", service: "x" } },
      a: { when: { tags: { y: true, x: "1" } } },
    },
  };

  test("ignores the order of keys", () => {
    check(
      fc.property(fc.nat(9), (seed) => {
        expect(policyOf(shuffled(written, seed)).digest).toBe(policyOf(written).digest);
      }),
    );
  });

  test("ignores how a quantity is written, and defaults that are written out", () => {
    const same = { ...written, watch: "1h", fusion: "any", guardrails: { never: [] } };
    expect(policyOf(same).digest).toBe(policyOf({ ...written, watch: "60m" }).digest);
  });

  test("sees every change that means something", () => {
    const changes = [
      { owner: "other" },
      { watch: "61m" },
      { fusion: "all" },
      { assign: [{ otherwise: "approve" }] },
      { guardrails: { toleranceAtMost: "60%" } },
    ];
    const digests = changes.map((change) => policyOf({ ...written, ...change }).digest);
    expect(new Set([policyOf(written).digest, ...digests]).size).toBe(changes.length + 1);
  });

  test("canonical JSON sorts keys, keeps lists and drops what is undefined", () => {
    expect(canonicalJson({ b: [2, 1], a: { d: null, c: undefined } })).toBe(
      '{"a":{"d":null},"b":[2,1]}',
    );
  });
});
