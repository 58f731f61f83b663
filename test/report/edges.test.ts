/** Reports of histories that can say little: each says what it cannot say, and advises nothing. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { distinctlyNamed } from "../../lab/compare/names.ts";
import { DEFAULT_BUDGET } from "../../lab/gate/budget.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { DeploymentRow } from "../../lab/history/tables.ts";
import { createHistory } from "../../lab/history/write.ts";
import { faultsIn, readReport } from "../../lab/report/check.ts";
import { makeReport, type Asked, type ReportDocument } from "../../lab/report/document.ts";
import { reportHtml } from "../../lab/report/html.ts";
import { reportMarkdown } from "../../lab/report/markdown.ts";
import { parseQuarter } from "../../lab/report/quarter.ts";
import { redacted } from "../../lab/report/redact.ts";
import { readSweep, type SweepInput } from "../../lab/report/sweepInput.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { writeSweep } from "../../lab/sweep/directory.ts";
import { sweepDocument } from "../../lab/sweep/document.ts";
import { sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { NO_TABLES } from "../history/samples.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";
import { FULL, OVERRIDE, SHORT, tinyHistory } from "../history/tinyHistory.ts";

const DAY_MS = 86_400_000;

interface Made {
  readonly document: ReportDocument;
  readonly html: string;
  readonly markdown: string;
}

async function reportOf(
  history: History,
  quarter = "2026Q3",
  policies: readonly [Policy, Policy] = [FULL, OVERRIDE],
  sweep: SweepInput | null = null,
): Promise<Made> {
  const asked: Asked = {
    history: "h",
    policy: "current.yaml",
    candidate: "next.yaml",
    quarter,
    budget: null,
    sweep: null,
    costs: null,
    people: "recorded",
    seed: 1,
    replicates: 100,
    draws: 1,
    effect: "hold",
    lab: "http://127.0.0.1:4173",
    redact: false,
  };
  const document = await makeReport(
    history,
    {
      asked,
      quarter: parseQuarter(quarter)!,
      policies: distinctlyNamed(...policies),
      budget: DEFAULT_BUDGET,
      sweep,
    },
    { people: "absent", seed: 1, replicates: 100, draws: 1, effect: "hold", progress: silent },
  );
  return { document, html: reportHtml(document), markdown: reportMarkdown(document) };
}

/** Samples every five minutes from the first of July on, but for the days from one to another. */
async function sampled(
  days: number,
  hole: readonly [number, number] | null,
  deployments: readonly Partial<DeploymentRow>[],
): Promise<History> {
  const dir = join(temporaryDirectory(), "history");
  const writer = await createHistory(dir);
  const fromMs = Date.parse("2026-07-01T00:00:00Z");
  const series = writer.addSeries(
    { service: "shop", metric: "latency_p95_ms", version: null },
    "double",
  );
  const stretches =
    hole === null
      ? [[0, days]]
      : [
          [0, hole[0]],
          [hole[1], days],
        ];
  for (const [from, to] of stretches) {
    const values = Float64Array.from({ length: (to! - from!) * 288 }, (_, at) => 100 + (at % 7));
    await writer.appendRegular(series, fromMs + from! * DAY_MS, 300_000, values, 0);
  }
  const rows = deployments.map((row, at) => ({
    deploymentId: `d-${at}`,
    service: "shop",
    environment: "production",
    kind: "code" as const,
    kindSource: "code",
    startedAtMs: fromMs + 2 * DAY_MS,
    finishedAtMs: null,
    version: null,
    author: null,
    stages: [],
    ...row,
  }));
  await writer.finish(
    { ...NO_TABLES, deployments: rows },
    { madeBy: "a test", sources: [], dropped: [], warnings: [], loggingPolicy: null },
  );
  return openHistory(dir);
}

describe("a report that can say little", () => {
  it("without labels and incidents: nobody can say what was right", async () => {
    const history = await tinyHistory({ a: { slow: [5, 60] }, b: {}, c: {} });
    const { document, html, markdown } = await reportOf(history);
    expect(document.decision.advice).toBe("change nothing yet");
    expect(document.decision.sentences[1]).toMatch(/no deployment is labelled/);
    for (const text of [html, markdown]) {
      expect(text).toMatch(/there is no false-positive rate/);
      expect(text).toMatch(/unknown which rollbacks were wrong/);
    }
    const missed = markdown.split("\n").find((line) => line.startsWith("| regressions missed"))!;
    expect(missed).toMatch(/cannot say.*cannot say/);
  });

  it("with labels but no incident: no time to recovery", async () => {
    const history = await tinyHistory({ a: { slow: [5, 60], label: "regression" }, b: {} });
    const { document, markdown } = await reportOf(history);
    expect(document.decision.advice).toBe("change nothing yet");
    const mttr = markdown.split("\n").find((line) => line.startsWith("| time to recovery, mean"))!;
    expect(mttr).toMatch(/cannot say/);
    expect(markdown).toMatch(/neither MTTR nor time to rollback/);
  });

  it("without deployments: nothing is decided", async () => {
    const { document, html, markdown } = await reportOf(await sampled(20, null, []));
    expect(document.decision.advice).toBe("cannot say");
    expect(document.comparison).toBeNull();
    for (const text of [html, markdown]) {
      expect(text).toMatch(/no deployment of 2026Q3 is in the history/);
      expect(text).toMatch(/nothing here says that the proposed policy is safe/);
    }
  });

  it("with one deployment: no interval, no verdict", async () => {
    const history = await tinyHistory({
      a: { slow: [5, 60], label: "regression", incident: [5, 60] },
    });
    const { document, markdown } = await reportOf(history);
    expect(document.decision.advice).toBe("change nothing yet");
    expect(document.decision.sentences[2]).not.toMatch(/would/);
    expect(markdown).not.toMatch(/[+−] (better|worse)/);
    expect(markdown).toMatch(/one service: no interval/);
  });

  it("with two weeks of missing samples: where, and which deployments are affected", async () => {
    const inside = { startedAtMs: Date.parse("2026-07-20T10:00:00Z") };
    const { document, html } = await reportOf(await sampled(40, [14, 28], [{}, inside]));
    const { holes, deploymentsInHoles } = document.quality.coverage;
    expect(holes[0]).toEqual({
      service: null,
      fromDay: "2026-07-15",
      toDay: "2026-07-28",
      days: 14,
    });
    expect(deploymentsInHoles).toBe(1);
    expect(html).toContain("All services: 2026-07-15 to 2026-07-28, 14 days");
    expect(html).toMatch(/1 of 2 deployments of the quarter started where samples are missing/);
    expect(html).toMatch(/of the quarter: read every number as of that part alone/);
  });

  it("of a quarter that the history has no samples of", async () => {
    const history = await tinyHistory({ a: { slow: [5, 60], label: "regression" } });
    const { document, markdown } = await reportOf(history, "2026Q2");
    expect(document.decision.advice).toBe("cannot say");
    expect(document.quarter).toMatchObject({ deployments: 0, deploymentsOutside: 1 });
    expect(markdown).toMatch(/the history has no sample of 2026Q2/);
  });

  it("of a policy against itself: nothing to decide", async () => {
    const { document } = await reportOf(await tinyHistory({ a: {}, b: {} }), "2026Q3", [
      FULL,
      FULL,
    ]);
    expect(document.decision.advice).toBe("the same");
    expect(document.policies.map(({ name }) => name)).toEqual(["full", "full (candidate)"]);
  });
});

describe("a quarter of a longer history", () => {
  it("scores what started in it, and nothing else", async () => {
    const later = { startedAtMs: Date.parse("2026-10-05T10:00:00Z") };
    const { document } = await reportOf(await sampled(110, null, [{}, later]));
    expect(document.quarter).toMatchObject({ deployments: 1, deploymentsOutside: 1 });
    const { scorecards } = document.comparison!;
    for (const card of Object.values(scorecards)) {
      expect(estimateIn(card, "deployments").value).toBe(1);
    }
  });
});

describe("a report that is checked", () => {
  it("names the differences to another history", async () => {
    const quiet = { slow: [5, 60], label: "benign" } as const;
    const { html } = await reportOf(await tinyHistory({ a: quiet, b: {} }));
    const file = join(temporaryDirectory(), "report.html");
    writeFileSync(file, html);
    const of = async (changed: Parameters<typeof tinyHistory>[0]): Promise<readonly string[]> => {
      const { document } = await reportOf(await tinyHistory(changed));
      return faultsIn(readReport(file), document).map(({ at }) => at);
    };
    expect(await of({ a: quiet, b: {} })).toEqual([]);
    const relabelled = await of({ a: { ...quiet, label: "expected_change" }, b: {} });
    expect(relabelled).toContain("audit.tables");
    expect(await of({ a: { ...quiet, slow: [6, 60] }, b: {} })).toContain("audit.decisionLog");
  });
});

describe("a report with a sweep", () => {
  it("shows what it offers, and refuses one of another policy", async () => {
    const history = await tinyHistory({ a: { slow: [5, 60], label: "benign" }, b: {} });
    const base = openBase(policyFile("two-minute-override"));
    const vary = "tiers.override.window=1m,5m";
    const options = { people: "absent", seed: 1, replicates: 100, progress: silent } as const;
    const design = { kind: "grid", points: 2, seed: 1 } as const;
    const swept = await sweep(history, base, [vary], [parseDimension(vary)], design, options);
    const dir = join(temporaryDirectory(), "sweep");
    await writeSweep(dir, sweepDocument(swept), false);
    const asked = { people: "absent", peopleFrom: "no answers", peopleModel: null };
    const meant = {
      history: history.manifest.digest,
      policy: base.policy.digest,
      asked,
      costs: DEFAULT_COSTS,
    };
    const input = readSweep(dir, meant);
    const policies = [base.policy, FULL] as const;
    const { html, markdown } = await reportOf(history, "2026Q3", policies, input);
    expect(html).toContain('class="frontier"');
    expect(markdown).toMatch(/A sweep of 2 variations, and this history cannot tell/);
    expect(markdown).toMatch(/weeks are too short to train, test and seal/);
    // Nothing is rolled back in this history, whatever the window: one row for all.
    expect(swept.frontier.alike).toEqual([[0, 1, 2]]);
    expect(markdown).toContain("| the same: window=");
    expect(markdown).not.toContain("| window=");
    const given =
      (other: Partial<typeof meant>): (() => SweepInput) =>
      () =>
        readSweep(dir, { ...meant, ...other });
    expect(given({ policy: FULL.digest })).toThrow(/varied another policy/);
    expect(given({ history: "0" })).toThrow(/of another history/);
    expect(given({ asked: { ...asked, people: "perfect" } })).toThrow(/absent, of the report perf/);
    expect(given({ costs: { ...DEFAULT_COSTS, page: 11 } })).toThrow(/counted other costs/);

    // Had it recommended five minutes, and the report were about those or about something else.
    const folds = [{ chosen: "window=5m", trainCostDifference: -1548.1, testCostDifference: 2 }];
    const recommending: SweepInput = {
      ...input,
      incumbent: {
        ...input.incumbent,
        scores: { ...input.incumbent.scores, cost: 4239.4, recoveryMinutes: 38.02 },
      },
      validation: { ...input.validation, folds },
      recommendation: { ...input.recommendation, verdict: "recommended", policy: "window=5m" },
      gate: { verdict: "pass", checks: [] },
    };
    const proposed = loadPolicy(policyFile("five-minute-override"));
    const same = await reportOf(history, "2026Q3", [base.policy, proposed], recommending);
    expect(same.document.decision.title).toMatch(/^Change nothing/);
    expect(same.document.sweepProposes).toBe(true);
    expect(same.markdown).toContain(
      `It is the change proposed here, of which the decision above says: ` +
        `${same.document.decision.title} The sweep chooses by cost`,
    );
    expect(same.markdown).toMatch(/asks for the whole budget, which it is not shown to keep: .*\./);
    const other = await reportOf(history, "2026Q3", policies, recommending);
    expect(other.document.sweepProposes).toBe(false);
    expect(other.markdown).toContain("It is another change than the one proposed here");
    // Numbers are written as everywhere else.
    expect(other.markdown).toMatch(/\(in force\) \| 4,239 \| 38m1s \|/);
    expect(other.markdown).toContain("| window=5m | −1,548 | +2 |");
  });
});

describe("a redacted report", () => {
  it("contains no person's name or text, and has the same numbers", async () => {
    const history = await tinyHistory({
      a: {
        slow: [5, 60],
        label: "benign",
        decisions: [
          [7, "proposed"],
          [8, "overrideGiven", "Ada Lovelace"],
        ],
        tags: [{ givenBy: "Charles Babbage", approvedBy: "Ada Lovelace" }],
      },
      b: { slow: [5, 60], label: "regression", incident: [5, 60] },
    });
    const open = await reportOf(history, "2026Q3", [OVERRIDE, SHORT]);
    const hidden = await reportOf(redacted(history), "2026Q3", [OVERRIDE, SHORT]);
    const names = /Lovelace|Babbage|by hand|somebody/;
    expect(JSON.stringify(history.tables)).toMatch(names);
    for (const text of [hidden.html, hidden.markdown, JSON.stringify(hidden.document)]) {
      expect(text).not.toMatch(names);
    }
    expect(hidden.document.comparison!.scorecards).toEqual(open.document.comparison!.scorecards);
    expect(JSON.stringify(redacted(history).tables)).toBe(JSON.stringify(redacted(history).tables));
  });
});
