/** From the files of a team to a comparison: an incumbent becomes a policy beside others. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { diffPolicies } from "../../engine/index.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { Problem } from "../../lab/problem.ts";
import { loadLivePolicy } from "../../lab/shadow/livePolicy.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { shipped } from "../history/smallWorld.ts";

const RULES = `groups:
  - name: slo
    interval: 1m
    rules:
      - alert: Errors
        expr: sum by (service) (rate(failed_total[5m])) / sum by (service) (rate(all_total[5m])) > 0.02
        for: 5m
      - record: job:all:rate5m
        expr: sum(rate(all_total[5m]))
`;

interface Document {
  readonly scorecards: Readonly<Record<string, { readonly rollbacks: { readonly value: number } }>>;
}

let dir = "";
let history = "";
beforeAll(async () => {
  dir = temporaryDirectory();
  history = join(dir, "example");
  writeFileSync(join(dir, "rules.yaml"), RULES);
  const args = ["import", "csv", "datasets/example", "--out", history, "--timestamp", "end"];
  expect((await inTurn(args)).code).toBe(0);
});

const importRules = (...more: readonly string[]) =>
  inTurn([
    ...["policy", "import", "prometheus", join(dir, "rules.yaml"), "--out", join(dir, "policies")],
    ...["--owner", "payments", "--service-label", "service", "--force", "--json", ...more],
  ]);

describe("a Rollout as a policy", () => {
  const fixture = "test/incumbents/argo/rollout.yaml";
  const asked = ["policy", "import", "argo", fixture, "--owner", "payments"];

  it("is checked, compared and refused as any other policy", async () => {
    const out = join(dir, "argo");
    const made = await inTurn([...asked, "--out", out, "--json"]);
    expect(made.stderr).toBe("");
    const { policies } = JSON.parse(made.stdout) as {
      policies: { file: string; queries: string[] }[];
    };
    const files = policies.map(({ file }) => file);
    expect(files.length).toBeGreaterThan(0);
    expect((await inTurn(["policy", "check", ...files])).code).toBe(0);
    const { incumbent } = loadPolicy(files[0]!);
    expect(incumbent!.system).toBe("argo");
    // Without a metric that the history has there is nothing to replay.
    const replay = ["replay", "--history", history, "--policy", files[0]!, "--json"];
    expect((await inTurn(replay)).code).toBe(2);
    const named = [...asked, "--out", out, "--force", "--metric", "success-rate=conversion_rate"];
    expect((await inTurn(named)).code).toBe(0);
    const replayed = await inTurn(replay);
    const { outcomes } = JSON.parse(replayed.stdout) as { outcomes: { end: string }[] };
    // Two of its queries have no answer: that is no health, whatever the third says.
    expect(outcomes.length).toBeGreaterThan(0);
    expect(outcomes.some(({ end }) => end === "healthy")).toBe(false);
  });

  it("is refused by file and line where it cannot be emulated", async () => {
    const file = join(dir, "job.yaml");
    const lines = [
      ...[
        "apiVersion: argoproj.io/v1alpha1",
        "kind: AnalysisTemplate",
        "metadata: { name: smoke }",
      ],
      ...["spec:", "  metrics:", "    - name: smoke", "      provider:", "        job: {}"],
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const refused = await inTurn([
      ...["policy", "import", "argo", file, "--owner", "p", "--out", join(dir, "none")],
    ]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(`${file}:8`);
  });
});

describe("alert rules as a policy", () => {
  it("are compared with a policy, swept, and explained", async () => {
    const made = await importRules("--metric", "slo/Errors=error_rate");
    expect(made.code).toBe(0);
    const { policies } = JSON.parse(made.stdout) as { policies: { file: string }[] };
    const [{ file }] = policies as [{ file: string }];
    const common = ["--history", history, "--policy", file];
    const compared = await inTurn([
      ...["compare", ...common, "--policy", "scenarios/policies/two-minute-override.yaml"],
      "--json",
    ]);
    const { scorecards } = JSON.parse(compared.stdout) as Document;
    expect(scorecards["rules"]!.rollbacks.value).toBeGreaterThan(0);
    const bound = "incumbent.plan.groups.0.rules.0.bound.value=0.005,0.02,9";
    const swept = await inTurn(["sweep", ...common, "--vary", bound, "--json"]);
    expect([0, 3]).toContain(swept.code);
    const replayed = await inTurn(["replay", ...common, "--json"]);
    const { outcomes } = JSON.parse(replayed.stdout) as {
      outcomes: { deploymentId: string; rolledBack: boolean; tier: string; reason: string }[];
    };
    const rolled = outcomes.find(({ rolledBack }) => rolledBack)!;
    // An incumbent asks nobody, however little history there is.
    expect(rolled.tier).toBe("full");
    const explained = await inTurn(["explain", ...common, "--deployment", rolled.deploymentId]);
    expect(explained.stdout).toContain("Prometheus");
  });

  it("keep their decisions in a log that is made again", async () => {
    await importRules("--metric", "slo/Errors=error_rate");
    const out = join(dir, "run");
    const policy = join(dir, "policies", "rules.yaml");
    await inTurn(["replay", "--history", history, "--policy", policy, "--out", out]);
    const again = await inTurn(["audit", "replay", join(out, "decisions.jsonl")]);
    expect(again.code).toBe(0);
  });

  it("keep the queries, so that an import can ask them", async () => {
    await importRules();
    const { incumbent } = loadPolicy(join(dir, "policies", "rules.yaml"));
    expect(incumbent!.queries).toEqual([
      {
        name: "slo/Errors",
        query: expect.stringContaining("rate(failed_total[5m])") as string,
        intervalMs: 60_000,
      },
    ]);
  });

  it("are named by their system in a diff with another policy, without their plan", async () => {
    await importRules();
    const mine = loadPolicy(join(dir, "policies", "rules.yaml"));
    const own = diffPolicies(mine, shipped("two-minute-override"));
    const [gone] = own.filter(({ path }) => path[0] === "incumbent");
    expect(gone).toMatchObject({ before: "prometheus", after: null });
    const longer = { ...mine, incumbent: { ...mine.incumbent!, plan: { groups: [] } } };
    expect(diffPolicies(mine, longer).length).toBeGreaterThan(0);
  });

  it("are no policy for a live host", async () => {
    await importRules();
    const file = join(dir, "policies", "rules.yaml");
    expect(() => loadLivePolicy(file)).toThrow(Problem);
  });

  it("are refused where nothing can be emulated, or a query is unknown", async () => {
    const file = join(dir, "recorded.yaml");
    writeFileSync(file, RULES.replace(/ {6}- alert[\s\S]*for: 5m\n/, ""));
    const common = ["policy", "import", "prometheus", "--out", join(dir, "none"), "--owner", "p"];
    expect(await inTurn([...common, file])).toMatchObject({ code: 2, stdout: "" });
    const unknown = await importRules("--metric", "slo/None=error_rate");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("slo/Errors");
    const twice = await inTurn([
      ...["policy", "import", "prometheus", join(dir, "rules.yaml"), "--owner", "p"],
      ...["--out", join(dir, "policies")],
    ]);
    expect(twice.code).toBe(2);
    expect(readFileSync(join(dir, "policies", "rules.yaml"), "utf8")).toContain("owner: payments");
  });
});
