/** A draft in the place of an incumbent: what it watches, and that it is an ordinary policy. */

import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadPolicy } from "../../lab/policy/load.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const QUARTER = "scenarios/incumbents/quarter";
const directory = temporaryDirectory();
const history = join(directory, "history");

interface Made {
  readonly policies: readonly { readonly file: string; readonly successor?: string }[];
}

async function imported(system: string, ...words: readonly string[]): Promise<Made["policies"][0]> {
  const made = await inTurn([
    ...["policy", "import", system, ...words, "--owner", "platform", "--force"],
    ...["--out", join(directory, "policies"), "--json"],
  ]);
  expect(made.code, made.stderr).toBe(0);
  return (JSON.parse(made.stdout) as Made).policies[0]!;
}

beforeAll(async () => {
  const csv = ["import", "csv", "datasets/example", "--out", history, "--timestamp", "end"];
  expect((await inTurn(csv)).code).toBe(0);
});

const series = ["--series", `${QUARTER}/series.yaml`];

describe.each([
  ["argo", [`${QUARTER}/argo.yaml`, ...series], "success-rate", { over: 0.05 }],
  ["prometheus", [`${QUARTER}/alerts.yaml`, ...series], "slo-HighErrorRatio", { over: 0.05 }],
  ["flagger", [`${QUARTER}/canary.yaml`, ...series], "request-success-rate", { over: 0.01 }],
] as const)("of %s", (system, words, errors, guard) => {
  it("watches the same metrics in the direction and unit of the history", async () => {
    const { successor } = await imported(system, ...words, "--successor");
    const checked = await inTurn(["policy", "check", successor!]);
    expect(checked).toMatchObject({ code: 0, stderr: "" });
    const { incumbent, signals } = loadPolicy(successor!);
    expect(incumbent).toBeUndefined();
    const latency = signals.find(({ metric }) => metric.startsWith("latency"))!;
    expect(latency).toMatchObject({ worse: "up", tolerance: { kind: "relative", amount: 0.1 } });
    const own = signals.find(({ name }) => name === errors)!;
    // Half of Flagger's 1 % is less than a point.
    const amount = system === "flagger" ? 0.005 : 0.01;
    expect(own).toMatchObject({ metric: "error_rate", worse: "up", hardGuard: guard });
    expect(own.tolerance).toMatchObject({ kind: "points", amount });
  });

  it("replays on the history of the incumbent, where it judges", async () => {
    const { file, successor } = await imported(system, ...words, "--successor");
    const files = ["--policy", file, "--policy", successor!];
    const asked = ["compare", "--history", history, ...files, "--draws", "1", "--json"];
    const { code, stdout, stderr } = await inTurn(asked);
    expect(code, stderr).toBe(0);
    const { scorecards } = JSON.parse(stdout) as {
      scorecards: Record<string, Record<string, { value: number }>>;
    };
    const [, draft] = Object.values(scorecards);
    // What the rollbacks of the history hid.
    expect(draft!["undecidable"]!.value).toBeLessThanOrEqual(2);
    expect(draft!["truePositiveRollbacks"]!.value).toBeGreaterThan(0);
  });
});

it("of Kayenta has the directions of its metrics", async () => {
  const files = ["scenarios/incumbents/canary.json", "scenarios/incumbents/canary-stage.json"];
  const { successor } = await imported("kayenta", ...files, "--successor");
  const { signals } = loadPolicy(successor!);
  expect(signals.map(({ worse }) => worse)).toEqual(["up", "up"]);
});

it("is written only where it is asked for", async () => {
  const { successor } = await imported("argo", `${QUARTER}/argo.yaml`, ...series);
  expect(successor).toBeUndefined();
});
