/**
 * An incumbent beside a policy: why it rolled healthy deployments back, who was right, and what an
 * outage of the metrics does to both. Through the command line, on the small example.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Incumbents } from "../../lab/compare/incumbents.ts";
import type { Flip } from "../../lab/compare/compare.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";

const directory = temporaryDirectory();
const history = join(directory, "history");
const quarter = join(ROOT, "scenarios/incumbents/quarter");
const override = policyFile("two-minute-override");

interface Compared {
  readonly manifest: { readonly outage?: object; readonly notes: readonly string[] };
  readonly flips: readonly Flip[];
  readonly incumbents?: Incumbents;
}

const policy = (name: string): string => join(directory, "policies", `${name}.yaml`);

async function compare(...words: readonly string[]): Promise<Compared> {
  const asked = ["compare", "--history", history, ...words, "--draws", "1", "--json"];
  const { code, stdout, stderr } = await inTurn(asked);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Compared;
}

beforeAll(async () => {
  const example = join(ROOT, "datasets/example");
  const imported = ["import", "csv", example, "--out", history, "--timestamp", "end"];
  expect((await inTurn(imported)).code).toBe(0);
  const series = join(directory, "series.yaml");
  const text = readFileSync(join(quarter, "series.yaml"), "utf8");
  // The example has no 99th percentile.
  writeFileSync(series, text.replace("latency_p99_ms", "latency_p95_ms"));
  for (const [system, file] of [
    ["argo", "argo.yaml"],
    ["flagger", "canary.yaml"],
  ] as const) {
    const made = await inTurn([
      ...["policy", "import", system, join(quarter, file), "--owner", "platform"],
      ...["--out", join(directory, "policies"), "--series", series],
    ]);
    expect(made.code, made.stderr).toBe(0);
  }
});

describe("an incumbent beside a policy", () => {
  it("says why each healthy deployment was rolled back, and loses none", async () => {
    const { incumbents } = await compare("--policy", policy("argo"), "--policy", override);
    const [argo, ours] = incumbents!.wrongRollbacks;
    expect(argo).toMatchObject({ policy: "argo", system: "argo", healthy: 14 });
    expect(Object.values(argo!.causes!).flat().toSorted()).toEqual(argo!.rolledBack.toSorted());
    expect(ours).toMatchObject({ policy: "two-minute-override", system: null, causes: null });
  });

  it("says who was right wherever only one of them rolls back", async () => {
    // In the example they agree. With an outage Argo rolls everything back.
    const both = ["--policy", override, "--policy", policy("argo")];
    const { incumbents, flips } = await compare(...both, "--outage", "1m");
    const [one] = incumbents!.disagreements;
    const differ = flips.filter(
      ({ baseline, candidate }) => baseline.rolledBack !== candidate.rolledBack,
    );
    expect(differ.length).toBeGreaterThan(0);
    const { candidateRight, baselineRight, unknown, open } = one!;
    const all = [candidateRight, baselineRight, unknown, open].flat();
    expect(all.toSorted()).toEqual(differ.map(({ deploymentId }) => deploymentId).toSorted());
    const better = differ.filter(({ change }) => change === "better");
    expect(candidateRight).toEqual(better.map(({ deploymentId }) => deploymentId));
  });

  it("is not spoken of where there is none", async () => {
    const other = policyFile("five-minute-override");
    const { incumbents } = await compare("--policy", override, "--policy", other);
    expect(incumbents).toBeUndefined();
  });
});

describe("an outage of the metrics", () => {
  const outage = async (...words: readonly string[]) => {
    const policies = ["--policy", policy("argo"), "--policy", policy("flagger")];
    const compared = await compare(...policies, "--policy", override, ...words);
    return {
      ...compared,
      failed: compared.incumbents!.wrongRollbacks.map(
        ({ causes }) => causes?.queryFailed.length ?? null,
      ),
      wrong: compared.incumbents!.wrongRollbacks.map(({ rolledBack }) => rolledBack.length),
    };
  };

  it("of a minute aborts what Argo runs; Flagger needs five", async () => {
    const none = await outage();
    expect(none.failed).toEqual([0, 0, null]);
    expect(none.manifest.outage).toBeUndefined();
    const minute = await outage("--outage", "1m");
    expect(minute.failed).toEqual([14, 0, null]);
    expect(minute.wrong).toEqual([14, none.wrong[1], none.wrong[2]]);
    expect(minute.manifest.outage).toEqual({ for: "1m", after: "5m" });
    expect((await outage("--outage", "5m")).failed).toEqual([14, 14, null]);
  });

  it("begins when it is told to: after the rollout nothing is asked", async () => {
    expect((await outage("--outage", "5m", "--outage-after", "55m")).failed).toEqual([0, 0, null]);
  });

  it("leaves no run, because its log could not be made again", async () => {
    const { code, stderr } = await inTurn([
      ...["replay", "--history", history, "--policy", override, "--outage", "1m"],
      ...["--out", join(directory, "run")],
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain("--outage");
  });
});

describe("the report", () => {
  it("has a section on the incumbent with the numbers of compare", async () => {
    const markdown = join(directory, "report.md");
    const asked = ["--history", history, "--quarter", "2026Q3", "--policy", policy("argo")];
    const out = ["--out", join(directory, "report.html"), "--markdown", markdown];
    const made = await inTurn(["report", ...asked, "--candidate", override, ...out, "--json"]);
    expect(made.code, made.stderr).toBe(0);
    const { comparison } = JSON.parse(made.stdout) as { comparison: Compared };
    const [argo] = comparison.incumbents!.wrongRollbacks;
    const text = readFileSync(markdown, "utf8");
    expect(text).toContain(`argo rolled back ${argo!.rolledBack.length} of 14 healthy deployments`);
    for (const id of comparison.incumbents!.disagreements[0]!.candidateRight.slice(0, 5)) {
      expect(text).toContain(id);
    }
  });
});
