/** What history's own rollback teaches, and the lines that a page and a terminal begin with. */

import { describe, expect, it } from "vitest";
import { openingIn } from "../../lab/explain/document.ts";
import { explainHistory } from "../../lab/explain/find.ts";
import { openingOf } from "../../lab/explain/lessonWords.ts";
import { recordedLesson, type Recorded } from "../../lab/explain/recorded.ts";
import type { DecisionRow, IncidentRow, TagRow } from "../../lab/history/tables.ts";
import { silent } from "../../lab/progress.ts";
import { FULL, minute, tinyHistory } from "../history/tinyHistory.ts";

const row = (minutes: number, what: DecisionRow["what"], justification: string | null = null) => ({
  deploymentId: "d",
  atMs: minute(minutes),
  what,
  by: null,
  justification,
  confidence: null,
});
const incident = (resolvedBy: string | null): IncidentRow => ({
  incidentId: "i",
  deploymentId: "d",
  service: "shop",
  label: "bad-deployment",
  onsetAtMs: minute(2),
  detectedAtMs: null,
  resolvedAtMs: minute(40),
  resolvedBy,
  severity: null,
});
const tag = (name: string, knownAt: number, deploymentId: string | null = "d"): TagRow => ({
  deploymentId,
  service: "shop",
  tag: name,
  value: "true",
  signal: null,
  validFromMs: null,
  validUntilMs: null,
  knownAtMs: minute(knownAt),
  givenBy: null,
  approvedBy: null,
});

function taught(change: Partial<Recorded>) {
  return recordedLesson({
    startedAtMs: minute(0),
    rolledBackAtMs: minute(12),
    decisions: [
      row(10, "proposed", "latency +28 %"),
      row(12, "rollbackStarted"),
      row(14, "rollbackFinished"),
    ],
    label: "benign",
    incident: null,
    tags: [],
    ...change,
  });
}

describe("the lesson of history's own rollback", () => {
  it("is none where there was no rollback", () => {
    expect(taught({ rolledBackAtMs: null })).toEqual([]);
  });

  it("names the grounds, what was announced in time, and the truth", () => {
    const tags = [tag("migration_window", -60), tag("freeze", 5), tag("always", -60, null)];
    expect(taught({ tags })).toEqual([
      { code: "recorded", at: "2026-07-07T10:12:00Z", reason: "latency +28 %" },
      { code: "announced", tags: ["migration_window=true"], others: 0 },
      { code: "wrong" },
    ]);
  });

  it.each([
    ["unknown", "unlabelled"],
    ["unrelated_incident", "unrelated"],
    ["expected_change", "wrong"],
  ] as const)("of a deployment labelled %s ends with %s", (label, code) => {
    expect(taught({ label }).at(-1)).toEqual({ code });
  });

  it("counts harm from when the old version was back, and says whether it helped", () => {
    const harm = (resolvedBy: string | null) =>
      taught({ label: "regression", incident: incident(resolvedBy) }).at(-1);
    const minutes = { lastedMs: 38 * 60_000, afterRollbackMs: 26 * 60_000 };
    expect(harm("fix")).toMatchObject({ code: "harm", ...minutes, helped: false });
    expect(harm("rollback")).toMatchObject({ helped: true, evidence: "observed" });
  });

  it("says that a rollback came before the harm", () => {
    const later = { ...incident(null), onsetAtMs: minute(20) };
    expect(taught({ label: "regression", incident: later }).at(-1)).toEqual({ code: "early" });
  });

  it("cuts a reason that is no sentence any more", () => {
    const decisions = [row(10, "proposed", "x".repeat(5000))];
    expect(taught({ decisions })[0]).toMatchObject({ reason: `${"x".repeat(160)}…` });
  });
});

it("begins an explanation: history first, then the policy, in UTC", async () => {
  const history = await tinyHistory({
    a: { slow: [5, 60], label: "benign", decisions: [[30, "rollbackStarted"]] },
    b: { slow: [5, 60], label: "benign" },
  });
  history.close();
  const opening = async (id: string) =>
    openingIn(await explainHistory(history.dir, FULL, id, "absent", 1, silent));
  const [recorded, policy] = await opening("d-a");
  expect(recorded).toEqual({
    who: "History",
    says: "Rolled back at 10:30 UTC. The deployment was good: the rollback was wrong.",
  });
  expect(policy).toMatchObject({ who: FULL.policy });
  const alone = await opening("d-b");
  expect(alone).toHaveLength(1);
  expect(alone[0]!.says).toMatch(/^Rolled back at 10:\d\d UTC: latency .* tolerated\)\. /);
});

it("names only so many tags", () => {
  const tags = ["a", "b", "c", "d", "e", "f"].map((name) => tag(name, -1));
  const [, announced] = taught({ tags });
  const [{ says } = { says: "" }] = openingOf([announced!], "p", [], String);
  expect(says).toBe("It had been announced: a=true, b=true, c=true, d=true and 2 more.");
});
