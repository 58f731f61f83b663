/** Several incidents of one deployment, as everybody who asks is told of them. */

import { expect, it } from "vitest";
import { incidentsByDeployment, withSeveralIncidents } from "../../lab/history/incidents.ts";
import type { HistoryTables, IncidentRow } from "../../lab/history/tables.ts";
import { futuresOf } from "../../lab/outcome/futures.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { unaidedOf } from "../../lab/outcome/unaided.ts";

const incident = (
  deploymentId: string | null,
  onsetAtMs: number,
  resolvedAtMs: number | null,
  rest: Partial<IncidentRow> = {},
): IncidentRow => ({
  incidentId: `i${onsetAtMs}`,
  deploymentId,
  service: "s",
  label: "bad-deployment",
  onsetAtMs,
  detectedAtMs: null,
  resolvedAtMs,
  resolvedBy: null,
  severity: null,
  ...rest,
});

const SEVERAL = [
  incident("d", 50, 60, { detectedAtMs: 55, resolvedBy: "second" }),
  incident("d", 10, 90, { detectedAtMs: 70, resolvedBy: "first" }),
  incident("d", 30, 40),
  incident("open", 10, null),
  incident("open", 20, 30, { resolvedBy: "somebody" }),
  incident("plain", 5, 6),
  incident(null, 1, 2),
  incident(null, 3, 4),
];

it("are one, from the earliest onset to the latest end, in whatever order they are written", () => {
  for (const rows of [SEVERAL, SEVERAL.toReversed()]) {
    const found = incidentsByDeployment(rows);
    expect([...found.keys()].sort()).toEqual(["d", "open", "plain"]);
    expect(found.get("d")).toMatchObject({
      incidentId: "i10",
      onsetAtMs: 10,
      detectedAtMs: 55,
      resolvedAtMs: 90,
      resolvedBy: "first",
    });
    // An end that nobody wrote down is not the end of another.
    expect(found.get("open")).toMatchObject({
      onsetAtMs: 10,
      resolvedAtMs: null,
      resolvedBy: null,
    });
    expect(found.get("plain")).toBe(SEVERAL[5]);
    expect(withSeveralIncidents(rows)).toBe(2);
  }
});

it("are one to what is held, to what goes on unaided and to what recovers", () => {
  const decision = (what: string, atMs: number) => ({ deploymentId: "back", what, atMs });
  const tables = {
    deployments: ["d", "back"].map((deploymentId) => ({ deploymentId, service: "s" })),
    labels: ["d", "back"].map((deploymentId) => ({ deploymentId, label: "regression" })),
    incidents: [
      incident("d", 1000, 5_000_000),
      incident("d", 2_400_000, 3_600_000),
      incident("back", 1000, 900_000),
      incident("back", 2000, 700_000),
    ],
    decisions: [decision("rollbackStarted", 500_000), decision("rollbackFinished", 600_000)],
  } as unknown as HistoryTables;
  expect(futuresOf(tables, {}, "hold", 1, 1).effectOf("d").onsetAtMs).toBe(1000);
  expect(unaidedOf(tables)).toMatchObject({ longestMs: 4_999_000, n: 1 });
  expect(recoveryOf(tables, 1).recoversAfterMs("back")).toBe(300_000);
});
