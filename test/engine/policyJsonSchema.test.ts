/** The JSON Schema that editors complete policies with: current, explained, and not too strict. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { policyJsonSchema } from "../../engine/index.ts";

const FOLDER = new URL("../../scenarios/policies/", import.meta.url).pathname;
const schema = policyJsonSchema() as Record<string, unknown>;

type Node = Readonly<Record<string, unknown>>;

/** Every key that may be written, with what is said about it. */
function keysOf(node: unknown, path: string): [string, unknown, string | undefined][] {
  if (typeof node !== "object" || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((one) => keysOf(one, path));
  const { properties, additionalProperties, items, anyOf } = node as Node;
  return [
    ...Object.entries((properties ?? {}) as Readonly<Record<string, Node>>).flatMap(
      ([key, inner]): [string, unknown, string | undefined][] => [
        [`${path}.${key}`, inner["description"], inner["pattern"] as string | undefined],
        ...keysOf(inner, `${path}.${key}`),
      ],
    ),
    ...keysOf(additionalProperties, `${path}.*`),
    ...keysOf(items, path),
    ...keysOf(anyOf, path),
  ];
}

/** Does everything stand there that the schema requires? */
function hasRequired(node: Node, written: unknown): boolean {
  if (typeof written !== "object" || written === null) return true;
  const { required = [], properties = {}, additionalProperties } = node;
  const inner = properties as Readonly<Record<string, Node>>;
  return (
    (required as string[]).every((key) => key in written) &&
    Object.entries(written).every(([key, value]) => {
      const below = inner[key] ?? additionalProperties;
      return below === undefined || hasRequired(below as Node, value);
    })
  );
}

/** Is this a policy by the published schema? Two parts, as zod reads no `if`. */
function isPolicy(written: Node): boolean {
  const { else: required } = schema;
  const base = Object.entries(schema).filter(([key]) => key !== "if" && key !== "else");
  const form = z.fromJSONSchema(Object.fromEntries(base));
  return (
    form.safeParse(written).success &&
    ("extends" in written || hasRequired(required as Node, written))
  );
}

const SHIPPED = ["default", "evidence", "human-approval", "organisation/payments"];
const read = (name: string): Node =>
  parse(readFileSync(join(FOLDER, `${name}.yaml`), "utf8")) as Node;

describe("the JSON Schema of policies", () => {
  it("bounds every duration, and says how", () => {
    const durations = keysOf(schema, "").filter(([, , pattern]) => pattern?.includes("ms|s|m|h"));
    expect(durations.length).toBeGreaterThan(15);
    for (const [path, description] of durations) {
      expect([path, description]).toEqual([path, expect.stringMatching(/ At most \d+d\.$/)]);
    }
  });

  it("is the shipped one (npx vitest run … test/engine/policyJsonSchema.test.ts -u)", async () => {
    const text = await format(JSON.stringify(schema), { parser: "json", printWidth: 100 });
    await expect(text).toMatchFileSnapshot(join(FOLDER, "policy.schema.json"));
  });

  it("says of every key what it means: write it into policy/schema/descriptions.ts", () => {
    const keys = keysOf(schema, "");
    expect(keys.length).toBeGreaterThan(100);
    expect(keys.filter(([, text]) => text === undefined).map(([key]) => key)).toEqual([]);
  });

  it.each(SHIPPED)("accepts %s, which names it", (name) => {
    expect(isPolicy(read(name))).toBe(true);
    const [first] = readFileSync(join(FOLDER, `${name}.yaml`), "utf8").split("\n");
    expect(first).toMatch(/^# yaml-language-server: \$schema=(\.\.\/)?policy\.schema\.json$/);
  });

  const good = read("default");
  const latency = (good["signals"] as Readonly<Record<string, Node>>)["latency"]!;
  it.each([
    ["a misspelt key", { ...good, wach: "1h" }],
    ["a misspelt guardrail", { ...good, guardrails: { tolerateAtMost: "60%" } }],
    ["a duration in words", { ...good, watch: "an hour" }],
    ["a tier that is none", { ...good, assign: [{ otherwise: "maybe" }] }],
    ["no owner, extending nothing", { ...good, owner: undefined }],
    ["a signal without a tolerance", { ...good, signals: { latency: { metric: "m" } } }],
    [
      "another detector's key",
      { ...good, signals: { latency: { ...latency, detector: { kind: "novelty", drift: 1 } } } },
    ],
    ["a budget of no size", { ...good, guardrails: { rollbackBudget: { in: "1h" } } }],
  ])("refuses %s", (_, written) => {
    expect(isPolicy(JSON.parse(JSON.stringify(written)) as Node)).toBe(false);
  });

  it("lets a policy that extends another leave out what the other says", () => {
    const child = { policy: "child", extends: "org.yaml", signals: { latency: { hold: "2m" } } };
    expect(isPolicy(child)).toBe(true);
    expect(isPolicy({ policy: child.policy, signals: child.signals })).toBe(false);
  });

  it("shows defaults as one writes them", () => {
    const text = JSON.stringify(schema);
    for (const written of ['"default":"2m"', '"default":"95%"', '"default":"14d"']) {
      expect(text).toContain(written);
    }
  });
});
