/**
 * Labels that follow from other tables: which words and versions are a rollback and which are not,
 * and how given and derived labels go together.
 */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { explanationDocument } from "../../lab/explain/document.ts";
import { explainHistory } from "../../lab/explain/find.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { inspect } from "../../lab/history/inspect.ts";
import { chooseLabels, joinLabels, type LabelChoice } from "../../lab/history/labels/choose.ts";
import { deriveLabels, type DerivedLabel } from "../../lab/history/labels/derive.ts";
import { saidRollback } from "../../lab/history/labels/said.ts";
import { openHistory } from "../../lab/history/open.ts";
import type { DeploymentRow, IncidentRow } from "../../lab/history/tables.ts";
import { silent } from "../../lab/progress.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import { temporaryDirectory } from "../directories.ts";
import { plainFiles, START_MS, writeFiles } from "./samples.ts";
import { shipped, smallHistory } from "./smallWorld.ts";

const HOUR_MS = 3_600_000;

/** Deployments of one service, two hours apart: `[version, title]`. */
function derived(
  log: readonly (readonly [version: string | null, title?: string])[],
  incidents: readonly Partial<IncidentRow>[] = [],
): Record<string, DerivedLabel> {
  const rows = log.map(([version], at): DeploymentRow => ({
    deploymentId: `d${at + 1}`,
    service: "shop",
    environment: "production",
    kind: "code",
    kindSource: "code",
    startedAtMs: START_MS + 2 * at * HOUR_MS,
    finishedAtMs: null,
    version,
    author: null,
    stages: [],
  }));
  const said = new Map(
    log.map(([, title], at) => [
      `d${at + 1}`,
      { title: title ?? null, description: null, event: null, changeFailure: null },
    ]),
  );
  const labels = deriveLabels({ deployments: rows, incidents: incidents as IncidentRow[] }, said);
  return Object.fromEntries(labels.map((label) => [label.deploymentId, label]));
}

const words = (labels: Record<string, DerivedLabel>): Record<string, string> =>
  Object.fromEntries(Object.values(labels).map((one) => [one.deploymentId, one.derived]));

function said(title: string, description: string | null = null, event: string | null = null) {
  return saidRollback({ title, description, event, changeFailure: null });
}

describe("words of a rollback", () => {
  it.each([
    "Rollback to v1.4.2",
    "rolled back to 8f3e2a1",
    "Roll back shop to the version before",
    "[OPS-12] Rollback",
    "hotfix(shop): revert to 1.3.0",
    'Revert "Add coupons"',
    "Automated rollback of shop",
    "Rollback shop to previous version",
    "Rolling back release 14",
    "Revert to v12",
  ])("are in %s", (title) => {
    expect(said(title)).not.toBeNull();
  });

  it.each([
    "Fix the rollback button",
    "Rollback support for coupons",
    "Rollback transaction on payment error",
    "Rolled back transactions are retried",
    "fix: rollback leaves an open lock",
    "Rollback of migrations is tested",
    "Rollback safe deploys",
    "Roll back-end servers",
    "Revert to plan pricing",
    "Rollbacks: document them",
    "Add revert to the editor",
    "Revertible migrations",
    'Revert "Revert "Add coupons""',
    'Reland "Add coupons"',
    "",
  ])("are not in %s", (title) => {
    expect(said(title)).toBeNull();
  });

  it("name the commit or the title that is taken back", () => {
    expect(said("x", "This reverts commit 8F3E2A1b.")?.of).toEqual({ commit: "8f3e2a1b" });
    expect(said('Revert "Add coupons" (#12)')?.of).toEqual({ title: "Add coupons" });
    expect(said("", null, "dev.cdevents.service.rolledback.0.2.0")?.by).toBe("service.rolledback");
  });

  it.each(["[a] ", "[", "fix: ", "fix(", "AB-1 ", 'revert "', "roll back "])(
    "are looked for in no time in a long title of %s",
    (part) => {
      const began = performance.now();
      said(part.repeat(20_000), part.repeat(20_000));
      expect(performance.now() - began).toBeLessThan(500);
    },
  );
});

describe("labels that are derived", () => {
  it("blame what an earlier version replaced, and set the rollback aside", () => {
    const labels = derived([["a"], ["b"], ["a"], ["c"], ["d"]]);
    expect(words(labels)).toEqual({ d1: "benign", d2: "regression", d3: "rollback", d4: "benign" });
    expect(labels["d2"]).toMatchObject({ source: "restored version", confidence: 0.41 });
  });

  it("take no version that is deployed again for a rollback, nor names that tell no builds", () => {
    expect(derived([["a"], ["a"], ["b"], ["b"]])).toEqual({});
    expect(derived([["on"], ["off"], ["on"], ["off"], ["on"]])).toEqual({});
    // b comes after a, so bringing b again takes nothing back.
    expect(words(derived([["a"], ["b"], ["a"], ["b"], ["c"], ["d"]]))["d4"]).not.toBe("rollback");
  });

  it("are less sure where several versions were taken back, and blame the last one", () => {
    const labels = derived([["a"], ["b"], ["c"], ["a"]]);
    expect(words(labels)).toMatchObject({ d3: "regression", d4: "rollback" });
    expect(labels["d2"]).toBeUndefined();
    expect(labels["d3"]!.confidence).toBeLessThan(0.5);
  });

  it("go by the title that a revert names, wherever it stands", () => {
    const log = [
      ["a", "Add coupons"],
      ["b", "Add taxes"],
      ["c", 'Revert "Add coupons"'],
    ] as const;
    expect(words(derived(log))).toMatchObject({ d1: "regression", d3: "rollback" });
  });

  it("are sure with an incident of it, and unsure where incidents are of others", () => {
    const incident = (deploymentId: string) => [
      { incidentId: "i", deploymentId, service: "shop", label: "slow", onsetAtMs: START_MS },
    ];
    const log = [["a"], ["b"], ["a"]] as const;
    expect(derived(log, incident("d2"))["d2"]!.confidence).toBe(0.95);
    expect(derived(log, incident("d1"))["d2"]!.confidence).toBeLessThan(0.5);
  });

  it("are known once the rollback began, the incident ended or the quiet hour was over", () => {
    const incident = (deploymentId: string, onset: number, end: number | null) => ({
      ...{ incidentId: deploymentId, deploymentId, service: "shop", label: "slow" },
      onsetAtMs: START_MS + onset * HOUR_MS,
      resolvedAtMs: end === null ? null : START_MS + end * HOUR_MS,
    });
    const hours = (incidents: readonly Partial<IncidentRow>[]) => {
      const log = [["a"], ["b"], ["a"], ["c"], ["d"], ["e"]] as const;
      return Object.values(derived(log, incidents)).map(
        ({ deploymentId, knownAtMs }) => [deploymentId, (knownAtMs! - START_MS) / HOUR_MS] as const,
      );
    };
    expect(hours([])).toEqual(Object.entries({ d1: 1, d2: 4, d3: 4, d4: 7, d5: 9 }));
    const linked = [incident("d2", 3, 5), incident("d4", 7, 9), incident("d5", 8.5, null)];
    // That d2 was bad rests on the incident too, and d6 is the last event: its hour is not over.
    expect(hours(linked)).toEqual(Object.entries({ d1: 1, d2: 5, d3: 4, d4: 9, d5: 8.5 }));
  });

  it("of a field without a time are known with what agrees, and else at no recorded time", () => {
    const row = (deploymentId: string, hour: number, version: string): DeploymentRow => ({
      ...{ deploymentId, service: "shop", environment: "production", version },
      ...{ kind: "code", kindSource: "code", author: null, stages: [], finishedAtMs: null },
      startedAtMs: START_MS + hour * HOUR_MS,
    });
    const deployments = [row("d1", 0, "a"), row("d2", 2, "b"), row("d3", 50, "a")];
    const failed = { title: null, description: null, event: null, changeFailure: true };
    const labels = deriveLabels(
      { deployments, incidents: [] },
      new Map(["d1", "d2"].map((id) => [id, failed])),
    );
    expect(labels.map(({ source, knownAtMs }) => [source, knownAtMs])).toEqual([
      ["change_failure", undefined],
      ["change_failure", deployments[2]!.startedAtMs],
      ["restored version", deployments[2]!.startedAtMs],
    ]);
  });

  it("say nothing of a history in which nothing goes wrong", () => {
    expect(derived([["a"], ["b"], ["c"]])).toEqual({});
  });
});

const GIVEN = { basis: null, labelledBy: "ada", labelledAtMs: null };
const DERIVED = {
  source: "restored version",
  confidence: 0.9,
  why: "it says so",
  knownAtMs: START_MS,
};

function chosen(choice: LabelChoice) {
  const rows = joinLabels(
    [
      { deploymentId: "bad", label: "benign", ...GIVEN },
      { deploymentId: "back", label: "benign", ...GIVEN },
    ],
    [
      { deploymentId: "bad", derived: "regression", ...DERIVED },
      { deploymentId: "back", derived: "rollback", ...DERIVED },
      { deploymentId: "new", derived: "regression", ...DERIVED },
      { deploymentId: "unsure", derived: "regression", ...DERIVED, confidence: 0.4 },
    ],
  );
  const { labels, labelling } = chooseLabels(rows, choice);
  const knownAtMs = new Map(labels.map((row) => [row.deploymentId, row.labelledAtMs]));
  return { labels: labels.map((row) => [row.deploymentId, row.label]), labelling, knownAtMs };
}

describe("given and derived labels", () => {
  it("both: a given one wins, but a rollback that was called good is set aside", () => {
    const { labels, labelling, knownAtMs } = chosen("both");
    expect(labels).toEqual([
      ["bad", "benign"],
      ["back", "unknown"],
      ["new", "regression"],
    ]);
    expect(labelling).toMatchObject({ given: 1, derived: 1, setAside: 1, rollbacksCalledGood: 0 });
    // When a given one was given is not recorded, and a derived one does not say.
    expect([knownAtMs.get("bad"), knownAtMs.get("new")]).toEqual([null, START_MS]);
  });

  it("both: the words of a title alone set no rollback aside that was called good", () => {
    const given = [{ deploymentId: "back", label: "benign", ...GIVEN }] as const;
    const derived = [{ deploymentId: "back", derived: "rollback", ...DERIVED }] as const;
    const said = derived.map((one) => ({ ...one, source: "title" }));
    const { labels, labelling } = chooseLabels(joinLabels(given, said), "both");
    expect(labels).toMatchObject([{ deploymentId: "back", label: "benign" }]);
    expect(labelling).toMatchObject({ given: 1, setAside: 0 });
  });

  it("both: that a person gave `unknown` is a given label as well", () => {
    const given = [{ ...GIVEN, deploymentId: "bad", label: "unknown", basis: null }] as const;
    const bare = given.map((one) => ({ ...one, labelledBy: null }));
    const derived = [{ deploymentId: "bad", derived: "regression", ...DERIVED }] as const;
    const { labels } = chooseLabels(joinLabels(bare, derived), "both");
    expect(labels).toMatchObject([{ deploymentId: "bad", label: "unknown" }]);
  });

  it("given: as they are, with the rollbacks among them counted", () => {
    const { labels, labelling } = chosen("given");
    expect(labels).toEqual([
      ["bad", "benign"],
      ["back", "benign"],
    ]);
    expect(labelling).toMatchObject({ given: 2, derived: 0, setAside: 0, rollbacksCalledGood: 1 });
  });

  it("derived: as if nothing had been given", () => {
    expect(chosen("derived").labels).toEqual([
      ["bad", "regression"],
      ["back", "unknown"],
      ["new", "regression"],
    ]);
  });
});

const INCIDENT = [
  "service,started_at,resolved_at,label,deployment_id",
  "shop,2026-07-01T01:10:00Z,2026-07-01T01:29:00Z,slow,d1",
] as const;

/** The plain form with a third deployment, which takes the first one back. */
async function importedLog(labels: boolean, incidents = true): Promise<string> {
  const { "labels.csv": given, ...files } = plainFiles();
  const dir = writeFiles({
    ...files,
    "deployments.csv": [
      "deployment_id,service,deployed_at,kind,version,title,change_failure",
      "d0,shop,2026-07-01T00:10:00Z,code,v1,Start,",
      "d1,shop,2026-07-01T01:00:00Z,code,v2,Add coupons,",
      "d3,shop,2026-07-01T01:30:00Z,code,v1,Rollback to v1,",
      "d2,cart,2026-07-01T02:00:00Z,code,v7,Add taxes,false",
    ],
    ...(labels ? { "labels.csv": [...given!, "d3,good,nothing happened"] } : {}),
    ...(incidents ? { "incidents.csv": [...INCIDENT] } : {}),
  });
  const out = join(temporaryDirectory(), "history");
  const options = { out, force: false, strict: false, timestamp: "start" } as const;
  await importHistory((duck) => findPlainFiles(dir, duck), options);
  return out;
}

async function scoreOf(dir: string, labels: LabelChoice) {
  const history = await openHistory(dir, { labels });
  try {
    const options = { people: "absent", seed: 1, replicates: 100, progress: silent } as const;
    const { manifest, policies } = await evaluate(history, [shipped("default")], options);
    const { scorecard } = policies[0]!.scored;
    const counts = ["regressions", "benign", "unlabelled"].map(
      (name) => estimateIn(scorecard, name).value,
    );
    return { counts, manifest, inspection: await inspect(history) };
  } finally {
    history.close();
  }
}

describe("a history that was imported with titles and versions", () => {
  it("names its rollbacks, and scores rest on the labels that were asked for", async () => {
    const dir = await importedLog(true);
    const both = await scoreOf(dir, "both");
    expect(both.inspection.labels!.rollbacks).toMatchObject([
      { deploymentId: "d3", given: "benign" },
    ]);
    expect(both.counts).toEqual([1, 1, 2]);
    expect(both.manifest.labels).toMatchObject({ choice: "both", given: 2, setAside: 1 });
    expect(both.manifest.notes.join("\n")).toMatch(/1 rollback deployment set aside/);
    expect(both.manifest.notes.join("\n")).toMatch(/1 rollback deployment set aside/);
    expect((await scoreOf(dir, "given")).counts).toEqual([1, 2, 1]);
    expect((await scoreOf(dir, "derived")).counts).toEqual([1, 1, 2]);
  });

  it("is labelled by what was derived where nothing is given", async () => {
    const dir = await importedLog(false);
    expect((await scoreOf(dir, "both")).counts).toEqual([1, 1, 2]);
    expect((await scoreOf(dir, "given")).counts).toEqual([0, 0, 4]);
    const about = [dir, shipped("default"), "d1", "absent", 1, silent] as const;
    const { manifest } = explanationDocument(await explainHistory(...about, "given"));
    expect(manifest.labels).toMatchObject({ choice: "given", derived: 0 });
    const history = await openHistory(dir);
    history.close();
    const times = new Map(history.tables.labels.map((row) => [row.deploymentId, row.labelledAtMs]));
    expect(times.get("d1")).toBe(Date.parse("2026-07-01T01:30:00Z"));
    const taken = history.tables.labels.flatMap(({ deploymentId, takenBackAtMs }) =>
      takenBackAtMs === undefined ? [] : [[deploymentId, takenBackAtMs]],
    );
    expect(taken).toEqual([["d1", Date.parse("2026-07-01T01:30:00Z")]]);
  });

  it("has no regressions where only a rollback speaks of them, and says so", async () => {
    const dir = await importedLog(false, false);
    const { counts, inspection } = await scoreOf(dir, "both");
    expect(counts).toEqual([0, 1, 3]);
    const history = await openHistory(dir);
    history.close();
    const stored = history.storedLabels.find(({ deploymentId }) => deploymentId === "d1");
    expect(stored).toMatchObject({ derived: "regression", confidence: 0.41 });
    expect(inspection.labels!.rollbacks).toMatchObject([{ deploymentId: "d3" }]);
    expect(history.manifest.warnings).toContainEqual(
      expect.stringMatching(/^1 deployment taken back, though too little tells that it was bad/),
    );
  });
});

it("a history without derived labels is as before, and refuses --labels derived", async () => {
  const dir = await smallHistory();
  const history = await openHistory(dir);
  history.close();
  expect(history.labelling).toBeUndefined();
  expect(history.tables.labels).toEqual(history.storedLabels);
  await expect(openHistory(dir, { labels: "derived" })).rejects.toThrow(/--labels derived/);
});
