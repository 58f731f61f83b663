/** The JSON Schemas of files beside a policy: current, explained, and as strict as the reader. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { incumbentJsonSchema } from "../../engine/index.ts";
import { configJsonSchema } from "../../lab/cli/configFile.ts";
import { acceptedFlipsJsonSchema, budgetJsonSchema } from "../../lab/gate/budget.ts";
import { peopleJsonSchema } from "../../lab/people/peopleFile.ts";
import { costsJsonSchema } from "../../lab/score/costs.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

type Node = Readonly<Record<string, unknown>>;

const FOLDER = new URL("../../scenarios/", import.meta.url).pathname;
const KINDS = [
  ["people", peopleJsonSchema(), "people/example.yaml"],
  ["costs", costsJsonSchema(), "costs/example.yaml"],
  ["budget", budgetJsonSchema(), "gate/budget.yaml"],
  ["accepted-flips", acceptedFlipsJsonSchema(), "gate/accepted-flips.yaml"],
  ["config", configJsonSchema(), "config/hindsight.yaml"],
] as const;

/** Keys that may be written and of which nothing is said. */
function unexplained(node: unknown, path: string): string[] {
  if (typeof node !== "object" || node === null) return [];
  const { properties = {}, items } = node as Node;
  return [
    ...Object.entries(properties as Readonly<Record<string, Node>>).flatMap(([key, inner]) => [
      ...("description" in inner || inner["type"] === "array" ? [] : [`${path}.${key}`]),
      ...unexplained(inner, `${path}.${key}`),
    ]),
    ...unexplained(items, path),
  ];
}

describe.each(KINDS)("the JSON Schema of %s", (kind, schema, shipped) => {
  const text = readFileSync(join(FOLDER, shipped), "utf8");
  const accepts = (written: unknown): boolean =>
    z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(written).success;

  it("is the shipped one, beside the example (npm test -- test/cli/schemas -u)", async () => {
    const made = await format(JSON.stringify(schema), { parser: "json", printWidth: 100 });
    const file = join(FOLDER, shipped, "..", `${kind}.schema.json`);
    await expect(made).toMatchFileSnapshot(file);
    expect(text.split("\n")[0]).toBe(`# yaml-language-server: $schema=${kind}.schema.json`);
  });

  it("explains every key, accepts the example and refuses a misspelt key", () => {
    expect(unexplained(schema, "")).toEqual([]);
    const example = parse(text) as Node;
    expect(accepts(example)).toBe(true);
    expect(accepts({ ...example, pagge: 1 })).toBe(false);
  });
});

describe("the JSON Schema of an incumbent's policy", () => {
  const schema = incumbentJsonSchema();
  const accepts = (written: unknown): boolean =>
    z.fromJSONSchema(schema).safeParse(written).success;
  const folder = join(FOLDER, "incumbents");

  it("is the shipped one (npm test -- test/cli/schemas -u)", async () => {
    const made = await format(JSON.stringify(schema), { parser: "json", printWidth: 100 });
    await expect(made).toMatchFileSnapshot(join(folder, "incumbent.schema.json"));
  });

  it("accepts what an import writes, and refuses what its reader refuses", async () => {
    const out = temporaryDirectory();
    const files = [join(folder, "canary-policy.yaml")];
    for (const [system, file] of [
      ["argo", "argo.yaml"],
      ["flagger", "canary.yaml"],
      ["prometheus", "alerts.yaml"],
    ] as const) {
      const words = ["policy", "import", system, join(folder, "quarter", file), "--out", out];
      const series = ["--series", join(folder, "quarter/series.yaml")];
      const made = await inTurn([...words, ...series, "--owner", "platform", "--json"]);
      const { policies } = JSON.parse(made.stdout) as { policies: { file: string }[] };
      files.push(policies[0]!.file);
    }
    const written = files.map((file) => parse(readFileSync(file, "utf8")) as Node);
    expect(written.map(accepts)).toEqual([true, true, true, true]);
    for (const one of written) {
      const incumbent = one["incumbent"] as Node;
      const plan = incumbent["plan"] as Node;
      expect(accepts({ ...one, signals: {} })).toBe(false);
      expect(accepts({ ...one, incumbent: { ...incumbent, system: "jenkins" } })).toBe(false);
      const odd = { ...incumbent, plan: { ...plan, intervall: 1 } };
      expect(accepts({ ...one, incumbent: odd })).toBe(false);
    }
  });
});

it("refuses what the reader refuses", () => {
  const refuses = (schema: object, written: unknown): boolean =>
    !z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(written).success;
  expect(refuses(peopleJsonSchema(), { night: { median: "soon" } })).toBe(true);
  expect(refuses(peopleJsonSchema(), { night: { silence: "0.1" } })).toBe(true);
  expect(refuses(costsJsonSchema(), { page: -1 })).toBe(true);
  expect(refuses(budgetJsonSchema(), { guards: { missrate: "1pp" } })).toBe(true);
  expect(refuses(budgetJsonSchema(), { guards: {} })).toBe(true);
});

it("hindsight policy schema prints them, and names the kinds there are", async () => {
  const { code, stdout } = await inTurn(["policy", "schema", "budget"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(budgetJsonSchema())));
  const wrong = await inTurn(["policy", "schema", "people.yaml"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(
    /choices are policy, incumbent, people, costs, config, budget, accepted-flips/,
  );
});
