/** Which rollback of an announced migration a newcomer is shown. */

import { describe, expect, it } from "vitest";
import { announcedRollback } from "../../lab/explain/announced.ts";
import type {
  DecisionWhat,
  DeploymentRow,
  HistoryTables,
  Label,
  TagRow,
} from "../../lab/history/tables.ts";

const at = (text: string): number => Date.parse(`2026-07-01T${text}Z`);

function tagOf(deploymentId: string, tag: string, knownAt: string): TagRow {
  return {
    deploymentId,
    service: "shop",
    tag,
    value: "15%",
    signal: null,
    validFromMs: null,
    validUntilMs: null,
    knownAtMs: at(knownAt),
    givenBy: "dana@shop",
    approvedBy: null,
  };
}

interface Told {
  readonly id: string;
  readonly rolledBackAt: string;
  readonly knownAt?: string;
  readonly tags?: readonly string[];
  readonly label?: Label;
  readonly also?: DecisionWhat;
}

/** Deployments at 21:00 UTC, 23:00 where their service is. */
function tablesOf(told: readonly Told[]) {
  const deployments = told.map(({ id }) => ({
    deploymentId: id,
    service: "shop",
    startedAtMs: at("21:00:00"),
  })) as unknown as HistoryTables["deployments"] & DeploymentRow[];
  const row = (deploymentId: string, what: DecisionWhat, atMs: number) => ({
    deploymentId,
    atMs,
    what,
    by: null,
    justification: null,
    confidence: null,
  });
  return {
    deployments,
    services: [
      {
        service: "shop",
        team: null,
        criticality: null,
        timezone: "Europe/Berlin",
        dependsOn: [],
        revenuePerMinute: null,
      },
    ],
    labels: told.map(({ id, label = "expected_change" }) => ({
      deploymentId: id,
      label,
      basis: null,
      labelledBy: null,
      labelledAtMs: null,
    })),
    tags: told.flatMap(
      ({ id, knownAt = "20:00:00", tags = ["migration_window", "expected_latency_increase"] }) =>
        tags.map((tag) => tagOf(id, tag, knownAt)),
    ),
    decisions: told.flatMap(({ id, rolledBackAt, also }) => [
      row(id, "proposed", at("21:10:00")),
      ...(also === undefined ? [] : [row(id, also, at(rolledBackAt) + 1)]),
      row(id, "rollbackStarted", at(rolledBackAt)),
    ]),
  };
}

const chosen = (...told: Told[]): string | null =>
  announcedRollback(tablesOf(told))?.deploymentId ?? null;

describe("the rollback of an announced migration", () => {
  it("is the one nearest to 23:32 on its service's clock", () => {
    expect(
      chosen(
        { id: "in UTC", rolledBackAt: "23:32:00" },
        { id: "there", rolledBackAt: "21:33:00" },
        { id: "early", rolledBackAt: "21:20:00" },
      ),
    ).toBe("there");
  });

  it("is the one announced earliest, of several in one minute", () => {
    expect(
      chosen(
        { id: "late", rolledBackAt: "21:32:00" },
        { id: "early", rolledBackAt: "21:32:15", knownAt: "09:00:00" },
      ),
    ).toBe("early");
  });

  it.each<[string, Partial<Told>]>([
    ["a regression", { label: "regression" }],
    ["without a label", { label: "unknown" }],
    ["hit by something else", { label: "unrelated_incident" }],
    ["announced too late", { knownAt: "21:05:00" }],
    ["announced as a window alone", { tags: ["migration_window"] }],
    ["announced without a window", { tags: ["expected_latency_increase"] }],
    ["approved by a person", { also: "approvalGiven" }],
    ["not brought back", { also: "rollbackFailed" }],
  ])("is none %s", (_, change) => {
    expect(chosen({ id: "one", rolledBackAt: "21:32:00", ...change })).toBeNull();
  });
});
