/** The file of series: queries are found by their text, and nothing is guessed. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boundBy, readBindings, type Binding } from "../../lab/policy/import/binding.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { Problem, Problems } from "../../lab/problem.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const QUARTER = "scenarios/incumbents/quarter";

function asked(expr: string | null, name = "q") {
  return { name, expr, intervalMs: 60_000 };
}

function metricOf(written: string, expr: string | null): string | null {
  const bindings: readonly Binding[] = [{ query: written, metric: "m" }];
  try {
    return boundBy(bindings, [asked(expr)], "series.yaml").get("q")?.metric ?? null;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

test.each([
  ["the same text", "sum(up)", "sum(up)", true],
  ["other white space", "sum( up )\n  / 2", "sum(up)/2", true],
  ["white space within a text", 'up{a="b c"}', 'up{a="b  c"}', false],
  ["another query", "sum(up)", "sum(down)", false],
  ["a part of it", "sum(up)", "sum(up) / 2", false],
  ["a dot that is no wildcard", 'up{a="a.c"}', 'up{a="abc"}', false],
  ["an argument with a value", 'up{a="{{args.name}}"}', 'up{a="checkout"}', true],
  ["an argument without a value", 'up{a="{{ args.name }}"}', 'up{a="{{args.name}}"}', true],
  ["an argument within a range", "rate(up[{{ interval }}])", "rate(up[2m])", true],
  ["an argument that ends no text", 'up{a="{{x}}"}', 'up{a="b",c="d"}', false],
  ["a query that is built in", "up", null, false],
])("%s", (_what, written, expr, isSame) => {
  expect(metricOf(written, expr)).toBe(isSame ? "m" : null);
});

test("a query without an entry, or with two, is refused with its name", () => {
  const twice = [
    { query: "up", metric: "a" },
    { query: " up ", metric: "b" },
  ];
  const refused = (): unknown => boundBy(twice, [asked("up", "x"), asked(null, "y")], "s.yaml");
  expect(refused).toThrow(Problems);
  expect(refused).toThrow(/s\.yaml.*2 entries for `up`.*no entry for y: the built-in y/s);
});

test("a file that is none is refused with its place", () => {
  const file = join(temporaryDirectory(), "series.yaml");
  writeFileSync(file, "series:\n  - query: up\n    metrc: a\n");
  expect(() => readBindings(file)).toThrow(/series\.yaml:[23]/);
});

test.each([
  ["argo", "argo.yaml", [], { times: -1, plus: 1 }],
  ["prometheus", "alerts.yaml", ["--service-label", "service"], undefined],
  ["flagger", "canary.yaml", [], { times: -100, plus: 100 }],
])(
  "the files of %s become a policy in the units of the quarter",
  async (system, file, more, scale) => {
    const out = temporaryDirectory();
    const made = await inTurn([
      ...["policy", "import", system, `${QUARTER}/${file}`, "--owner", "platform", "--out", out],
      ...["--series", `${QUARTER}/series.yaml`, "--json", ...more],
    ]);
    const { policies } = JSON.parse(made.stdout) as { policies: { file: string }[] };
    const { incumbent, signals } = loadPolicy(policies[0]!.file);
    expect(incumbent!.queries[0]!.scale).toEqual(scale);
    expect(signals.map(({ metric }) => metric.split("|")[0]).toSorted()).toEqual([
      "error_rate",
      system === "flagger" ? "latency_p99_ms" : "latency_p95_ms",
    ]);
  },
);
