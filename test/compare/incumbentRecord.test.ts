/**
 * An incumbent beside its own record: what Argo Rollouts and Flagger did, read from objects as
 * kubectl prints them, on the samples of the small example. Through the command line.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Incumbents } from "../../lab/compare/incumbents.ts";
import type { RecordAgreement } from "../../lab/compare/incumbentRecord.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";
import { aborted, analysisRun, completed, event, updated } from "./kubernetes.ts";

const directory = temporaryDirectory();
const quarter = join(ROOT, "scenarios/incumbents/quarter");
const override = policyFile("two-minute-override");
const history = join(directory, "recorded");

const policy = (name: string): string => join(directory, "policies", `${name}.yaml`);

async function run(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inTurn(words);
  expect(code, stderr).toBe(0);
  return stdout;
}

const compared = (...words: readonly string[]): Promise<string> =>
  run("compare", "--history", history, "--draws", "1", ...words);

async function agreements(...words: readonly string[]): Promise<readonly RecordAgreement[]> {
  const told = JSON.parse(await compared(...words, "--json")) as { incumbents?: Incumbents };
  return told.incumbents!.agreements;
}

/** By deployment: what is not alike, and why. */
function whys({ record }: RecordAgreement): Readonly<Record<string, string>> {
  return Object.fromEntries(record!.differing.map((one) => [one.deploymentId, one.why]));
}

const SEARCH = { name: "search", revision: 3 };
const CART = { name: "cart", revision: 8 };
const PRICING = { name: "pricing", revision: 2 };
const STOREFRONT = { name: "storefront", revision: 5 };
const GHOST = { name: "ghost", revision: 1 };

/** The regressions of the example and some good deployments, as Argo would have told of them. */
const ARGO = [
  // Both promote it.
  updated({ ...CART, revision: 7 }, "2026-09-07T07:04:49Z"),
  completed({ ...CART, revision: 7 }, "2026-09-07T07:55:00Z"),
  // Both roll it back.
  updated(SEARCH, "2026-09-07T19:20:48Z"),
  analysisRun(SEARCH, "Failed", "success-rate", ["2026-09-07T19:20:50Z", "2026-09-07T19:29:15Z"]),
  // The emulation needs longer harm, and only the model has it: history rolled back first.
  updated(CART, "2026-09-08T14:11:56Z"),
  analysisRun(CART, "Failed", "success-rate", ["2026-09-08T14:11:57Z", "2026-09-08T14:16:30Z"]),
  // By a metric that the policy does not ask.
  updated(PRICING, "2026-09-09T10:14:44Z"),
  analysisRun(PRICING, "Failed", "saturation", ["2026-09-09T10:14:45Z", "2026-09-09T10:40:00Z"]),
  // By a person.
  updated(STOREFRONT, "2026-09-10T16:26:28Z"),
  aborted(STOREFRONT, "2026-09-10T16:50:00Z"),
  // It has no samples: the emulation rolls it back for missing data.
  updated(GHOST, "2026-09-09T09:00:00Z"),
  completed(GHOST, "2026-09-09T09:50:00Z"),
  // It has none either, though the record speaks of numbers: two rollbacks, and no agreement.
  updated({ ...GHOST, revision: 2 }, "2026-09-09T12:00:00Z"),
  analysisRun({ ...GHOST, revision: 2 }, "Failed", "latency", [
    "2026-09-09T12:00:01Z",
    "2026-09-09T12:06:00Z",
  ]),
  // Argo decided when the policy had stopped to watch.
  updated({ ...STOREFRONT, revision: 4 }, "2026-09-08T09:28:29Z"),
  analysisRun({ ...STOREFRONT, revision: 4 }, "Failed", "latency", [
    "2026-09-08T09:28:30Z",
    "2026-09-08T11:00:00Z",
  ]),
  // Argo asked a person; the emulation sees nothing wrong.
  updated({ ...PRICING, revision: 3 }, "2026-09-09T14:42:31Z"),
  analysisRun({ ...PRICING, revision: 3 }, "Inconclusive", "latency", [
    "2026-09-09T14:42:32Z",
    "2026-09-09T14:47:00Z",
  ]),
  // How it ended was lost.
  updated({ ...CART, revision: 9 }, "2026-09-10T08:40:02Z"),
];

const canary = (message: string, at: string): object =>
  event("Canary", { name: "search-canary" }, "Synced", message, at);
const FLAGGER = [
  canary("New revision detected! Scaling up search.shop", "2026-09-08T17:11:44Z"),
  canary("Promotion completed! Scaling down search.shop", "2026-09-08T17:40:00Z"),
  canary("New revision detected! Scaling up search.shop", "2026-09-07T19:20:48Z"),
  canary("Promotion completed! Scaling down search.shop", "2026-09-07T19:23:00Z"),
];

async function imported(name: string, items: readonly object[]): Promise<string> {
  const out = join(directory, name);
  const file = join(directory, `${name}.json`);
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const source = join(directory, "samples");
  await run(
    ...["import", "csv", source, "--rollouts", file, "--out", out, "--timestamp", "end"],
    ...["--service-of", "shop/search-canary=search", "--force"],
  );
  return out;
}

beforeAll(async () => {
  const example = join(ROOT, "datasets/example");
  mkdirSync(join(directory, "samples"));
  for (const file of ["metrics.csv.gz", "services.csv"]) {
    writeFileSync(join(directory, "samples", file), readFileSync(join(example, file)));
  }
  writeFileSync(
    join(directory, "samples", "incidents.csv"),
    "deployment_id,service,started_at,resolved_at,label\n" +
      "argo-rollouts/shop/cart/r8,cart,2026-09-08T14:13:00Z,2026-09-08T14:21:00Z,bad-deployment\n",
  );
  await imported("recorded", [...ARGO, ...FLAGGER]);
  const series = join(directory, "series.yaml");
  const text = readFileSync(join(quarter, "series.yaml"), "utf8");
  writeFileSync(series, text.replace("latency_p99_ms", "latency_p95_ms"));
  for (const [system, file] of [
    ["argo", "argo.yaml"],
    ["flagger", "canary.yaml"],
    ["prometheus", "alerts.yaml"],
  ] as const) {
    await run(
      ...["policy", "import", system, join(quarter, file), "--owner", "platform"],
      ...["--out", join(directory, "policies"), "--series", series],
      ...(system === "prometheus" ? ["--service-label", "service"] : []),
    );
  }
});

describe("an incumbent beside its own record", () => {
  it("says how many end alike, and of each other one what can explain it", async () => {
    const [argo] = await agreements("--policy", policy("argo"), "--policy", override);
    expect(argo).toMatchObject({
      policy: "argo",
      system: "argo",
      record: {
        decided: 9,
        unended: 1,
        alike: { rolledBack: 1, kept: 1, paused: 0 },
        later: 1,
      },
    });
    expect(whys(argo!)).toEqual({
      "argo-rollouts/shop/pricing/r2": "otherQuery",
      "argo-rollouts/shop/storefront/r5": "byHand",
      "argo-rollouts/shop/ghost/r1": "noData",
      "argo-rollouts/shop/ghost/r2": "noData",
      "argo-rollouts/shop/storefront/r4": "watchOver",
      "argo-rollouts/shop/pricing/r3": "unexplained",
    });
    const paused = argo!.record!.differing.find(({ why }) => why === "unexplained");
    expect(paused).toEqual({
      deploymentId: "argo-rollouts/shop/pricing/r3",
      why: "unexplained",
      record: {
        end: "paused",
        at: "2026-09-09T14:47:00Z",
        reason:
          'Metric "latency" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)',
      },
      emulation: { end: "kept", at: null, reason: null },
    });
  });

  it("keeps the record of each system apart, and says where there is none", async () => {
    const policies = ["argo", "flagger", "alerts"].flatMap((name) => ["--policy", policy(name)]);
    const [, flagger, alerts] = await agreements(...policies);
    expect(flagger!.record).toMatchObject({
      decided: 2,
      unended: 0,
      alike: { rolledBack: 0, paused: 0, kept: 1 },
      different: 1,
    });
    expect(Object.values(whys(flagger!))).toEqual(["longer"]);
    expect(alerts!.record).toBeNull();
    const text = await compared(...policies);
    expect(text).toContain("alerts: this history has no record of what prometheus decided");
  });

  it("compares only deployments of the time that is asked for", async () => {
    const from = ["--from", "2026-09-10T00:00:00Z"];
    const [argo] = await agreements("--policy", policy("argo"), "--policy", override, ...from);
    expect(argo!.record).toMatchObject({ decided: 1, unended: 1, different: 1 });
  });

  it("says nothing where an outage is imagined: it happened to no incumbent", async () => {
    const both = ["--policy", policy("argo"), "--policy", override];
    expect(await agreements(...both, "--outage", "1m")).toEqual([]);
  });

  it("is told on the terminal and in the report", async () => {
    const text = await compared("--policy", policy("argo"), "--policy", override);
    const sentence =
      "argo beside the record of argo-rollouts: of 9 deployments 2 end alike (1 rolled back, " +
      "1 kept; median 1m27s apart), 6 differ. In 1 the record rolled back first; by the model of " +
      "what followed, argo would have later. How 1 other ended is not recorded.";
    expect(text.replace(/\s+/g, " ")).toContain(sentence);
    const markdown = join(directory, "report.md");
    await run(
      ...["report", "--history", history, "--quarter", "2026Q3", "--policy", policy("argo")],
      ...["--candidate", override, "--draws", "1", "--out", join(directory, "report.html")],
      ...["--markdown", markdown],
    );
    const report = readFileSync(markdown, "utf8");
    expect(report).toContain(sentence);
    expect(report).toContain("argo-rollouts/shop/storefront/r5");
  });
});
