/**
 * Tiny real histories: one deployment for each service, on a latency that steps up and
 * down again when told to.
 */

import { join } from "node:path";
import { openHistory, type History } from "../../lab/history/open.ts";
import type {
  CaseRow,
  DecisionRow,
  DecisionWhat,
  HistoryTables,
  Label,
  ProposalRow,
  TagRow,
} from "../../lab/history/tables.ts";
import { createHistory } from "../../lab/history/write.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import type { Policy } from "../../engine/index.ts";
import { temporaryDirectory } from "../directories.ts";

export const MINUTE_MS = 60_000;
/** A Tuesday; every deployment starts two hours later. */
const FIRST_MS = Date.parse("2026-07-07T08:00:00Z");
export const START_MS = FIRST_MS + 120 * MINUTE_MS;
const MINUTES = 240;

/** Minutes after the deployment as an instant. */
export function minute(minutes: number): number {
  return START_MS + minutes * MINUTE_MS;
}

export interface TinyDeployment {
  /** Half as slow again from this minute after the start to the other. */
  readonly slow?: readonly [number, number];
  readonly label?: Label;
  /** When a later deployment took it back, by minute after the start. */
  readonly takenBack?: number;
  /** When the incident of a regression began and ended; null is not recorded. */
  readonly incident?: readonly [number, number | null];
  /** What history did, by minute after the start. */
  readonly decisions?: readonly (readonly [number, DecisionWhat, string?])[];
  readonly tags?: readonly Partial<TagRow>[];
  /** What agents proposed, by minute after the start: who, how sure, and what people said. */
  readonly proposals?: readonly (readonly [number, string, number, ProposalRow["answer"]?])[];
  /** Shares of the traffic, by minute after the start; null is not recorded. */
  readonly stages?: readonly (readonly [number, number | null])[];
}

/** Writes and opens a history with a deployment `d-NAME` of a service `NAME` for each entry. */
export async function tinyHistory(
  deployments: Readonly<Record<string, TinyDeployment>>,
  cases: readonly CaseRow[] = [],
): Promise<History> {
  const dir = join(temporaryDirectory(), "history");
  const writer = await createHistory(dir);
  const names = Object.keys(deployments).sort();
  for (const name of names) {
    const { slow } = deployments[name]!;
    const series = writer.addSeries(
      { service: name, metric: "latency_p95_ms", version: null },
      "double",
    );
    const values = Float64Array.from({ length: MINUTES }, (_, index) => {
      const since = index - 120;
      const isSlow = slow !== undefined && since >= slow[0] && since < slow[1];
      return (isSlow ? 150 : 100) + ((index * 7) % 5) / 10;
    });
    await writer.appendRegular(series, FIRST_MS, MINUTE_MS, values, 0);
  }
  await writer.finish(tables(names, deployments, cases), {
    madeBy: "a test",
    sources: [],
    dropped: [],
    warnings: [],
    loggingPolicy: null,
  });
  return openHistory(dir);
}

function tables(
  names: readonly string[],
  deployments: Readonly<Record<string, TinyDeployment>>,
  cases: readonly CaseRow[],
): HistoryTables {
  const each = <Row>(make: (name: string, given: TinyDeployment) => readonly Row[]): Row[] =>
    names.flatMap((name) => make(name, deployments[name]!));
  return {
    deployments: each((name, { stages = [] }) => [
      {
        deploymentId: `d-${name}`,
        service: name,
        environment: "production",
        kind: "code",
        kindSource: "code",
        startedAtMs: START_MS,
        finishedAtMs: null,
        version: null,
        author: null,
        stages: stages.map(([at, share]) => ({ share, atMs: minute(at) })),
      },
    ]),
    tags: each((name, { tags = [] }) =>
      tags.map((tag) => ({
        deploymentId: `d-${name}`,
        service: name,
        tag: "irrelevant",
        value: "true",
        signal: null,
        validFromMs: null,
        validUntilMs: null,
        knownAtMs: START_MS,
        givenBy: "a test",
        approvedBy: null,
        ...tag,
      })),
    ),
    incidents: each((name, { incident }) =>
      incident === undefined
        ? []
        : [
            {
              incidentId: `i-${name}`,
              deploymentId: `d-${name}`,
              service: name,
              label: "bad-deployment",
              onsetAtMs: minute(incident[0]),
              detectedAtMs: null,
              resolvedAtMs: incident[1] === null ? null : minute(incident[1]),
              resolvedBy: null,
              severity: null,
            },
          ],
    ),
    labels: each((name, { label, takenBack }) =>
      label === undefined
        ? []
        : [
            {
              deploymentId: `d-${name}`,
              label,
              basis: "by hand",
              labelledBy: null,
              labelledAtMs: null,
              ...(takenBack === undefined
                ? {}
                : { derived: "regression" as const, takenBackAtMs: minute(takenBack) }),
            },
          ],
    ),
    decisions: each((name, { decisions = [] }) =>
      decisions.map(([at, what, by]): DecisionRow => ({
        deploymentId: `d-${name}`,
        atMs: minute(at),
        what,
        by: by ?? "somebody",
        justification: what === "overrideGiven" ? "expected" : null,
        confidence: null,
      })),
    ),
    proposals: each((name, { proposals = [] }) =>
      proposals.map(([at, agent, confidence, answer = null]): ProposalRow => ({
        ...{ proposalId: `${name}-${at}`, deploymentId: `d-${name}`, agent, action: "rollback" },
        ...{ confidence, rationale: null, proposedAtMs: minute(at) },
        answeredBy: answer === null ? null : "somebody",
        answer,
        answeredAtMs: answer === null ? null : minute(at + 1),
      })),
    ),
    services: [],
    metricCatalog: [],
    cases,
  };
}

/** Breaches with the second sample beyond 20 %, so a minute after the onset. */
export function tinyPolicy(name: string, tiers: string): Policy {
  const text = `policy: ${name}
owner: platform
watch: 60m
signals:
  latency:
    metric: latency_p95_ms
    worse: up
    tolerance: 20%
    detector: { kind: threshold, breaches: 1, of: 1, baseline: 60m }
    hold: 60s
    clear: 2m
${tiers}
`;
  return policyFromText(text, `${name}.yaml`);
}

export const FULL = tinyPolicy("full", "assign: [{ otherwise: full }]");
export const OVERRIDE = tinyPolicy(
  "override",
  "tiers: { override: { window: 5m, onTimeout: rollback } }\nassign: [{ otherwise: override }]",
);
export const SHORT = tinyPolicy(
  "short",
  "tiers: { override: { window: 2m, onTimeout: rollback } }\nassign: [{ otherwise: override }]",
);
export const APPROVE = tinyPolicy(
  "approve",
  `tiers:
  approve: { sla: 10m, escalate: [{ to: senior, sla: 30m }], onExpiry: hold }
assign: [{ otherwise: approve }]`,
);
export const OBSERVE = tinyPolicy("observe", "assign: [{ otherwise: observe }]");

/** The policy of the tiny history, as a scenario file has it written out. */
export function writtenOut(policy: string, rest: string): string {
  return `
  policy: ${policy}
  owner: platform
  watch: 60m
  signals:
    latency:
      metric: latency_p95_ms
      tolerance: 20%
      detector: { kind: threshold, breaches: 1, of: 1, baseline: 60m }
      hold: 60s
      clear: 2m
${rest}`;
}
