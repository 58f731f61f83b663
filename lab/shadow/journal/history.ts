/**
 * The journal of a live host as a history: production becomes the next replay.
 *
 * Samples keep the moment they became known, deployments and stages that at which the host
 * heard of them. What machine and people did is made again from the journal's events, as
 * `audit replay` makes it. A rollback that the host was not allowed to send did not happen: it
 * is no row of `decisions`, and what followed it is seen.
 */

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import {
  ENGINE_VERSION,
  FLEET,
  isBatch,
  matchesGlob,
  restore,
  step,
  type ContextTag,
  type DecisionEvent,
  type DecisionRecord,
  type EngineCommand,
  type FleetState,
  type LogHeader,
  type Policy,
  type SeriesName,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import type { Progress } from "../../progress.ts";
import { Problem } from "../../problem.ts";
import { percentagePoint } from "../../replay/plan.ts";
import { realDisk } from "./disk.ts";
import { segmentsIn, type SegmentFiles } from "./segments.ts";
import { RECORDED_ONLY } from "../recordedOnly.ts";
import { decisionRows } from "../../simulate/decisionRows.ts";
import type { DecisionRow, DeploymentRow, HistoryTables, MetricRow } from "../../history/tables.ts";
import { createHistory, type HistoryWriter } from "../../history/write.ts";
import { countLabels, type ImportSummary } from "../../history/import/importHistory.ts";
import { writeSamples } from "./historySamples.ts";

/** Everything of a journal but its samples. */
interface Heard {
  readonly deployments: Map<string, DeploymentRow>;
  readonly tags: ContextTag[];
  readonly decisions: DecisionRow[];
  readonly series: SeriesName[];
  readonly policies: Map<string, Policy>;
  services: NonNullable<LogHeader["live"]>["services"];
  halts: number;
  recordedOnly: number;
}

/**
 * @throws Problem where this is no journal, or its chain is broken
 */
export async function importJournal(
  dir: string,
  options: { readonly out: string; readonly force: boolean },
  progress: Progress,
): Promise<ImportSummary> {
  const isDirectory = statSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const segments = isDirectory ? segmentsIn(realDisk(), dir) : [];
  if (segments.length === 0) {
    throw new Problem("there is no journal here", {
      file: dir,
      cure: "Give the directory that a live host writes its journal into.",
    });
  }
  const heard: Heard = {
    ...{ deployments: new Map(), tags: [], decisions: [], series: [], policies: new Map() },
    ...{ services: [], halts: 0, recordedOnly: 0 },
  };
  segments.forEach((files, at) => {
    progress.update(at, segments.length, "reading the journal");
    hearSegment(files, at === segments.length - 1, heard);
  });
  const writer = await createHistory(options.out, { force: options.force });
  try {
    const warnings = [...warningsOf(heard), ...(await writeSamples(segments, writer, progress))];
    const manifest = await finish(writer, segments, heard, warnings);
    return { manifest, deployments: countLabels({ ...tablesOf(heard), labels: [] }) };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    progress.end();
  }
}

/** The events of a segment through the state machine, which says what was asked for. */
function hearSegment({ log }: SegmentFiles, open: boolean, heard: Heard): void {
  let header: LogHeader | null = null;
  let policy: Policy | null = null;
  let fleet: FleetState | null = null;
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  const answers: DecisionEvent[] = [];
  const notDone = new Set<string>();
  for (const { entry } of logEntries(log, open)) {
    const { kind, content } = entry;
    if (kind === "header") {
      const { live } = content;
      if (live === undefined) {
        throw new Problem("this is no journal of a live host", { file: log, line: 1 });
      }
      header = content;
      policy = content.policy;
      fleet = restore(live.state).fleet;
      heard.services = live.services;
      heard.policies.set(policy.digest, policy);
      heard.series.push(...(live.carried?.series ?? []));
    } else if (kind === "samples") {
      if (isBatch(content)) heard.series.push(...content.series);
    } else if (kind === "event" && content.kind !== "contextPrepared") {
      if (content.kind === "policyChanged") {
        policy = content.policy;
        heard.policies.set(policy.digest, policy);
      }
      const next = step(policy!, fleet!, content);
      fleet = next.state;
      records.push(...next.records);
      commands.push(...next.commands.filter(({ deploymentId }) => deploymentId !== FLEET));
      hear(content, heard);
      if (content.kind === "overrideGiven" || content.kind === "approvalGiven") {
        answers.push(content);
      }
      if (content.kind === "rollbackFinished" && content.detail === RECORDED_ONLY) {
        notDone.add(content.deploymentId);
      }
    }
  }
  if (header === null) return;
  const about = records.filter(({ deploymentId }) => deploymentId !== FLEET);
  const isDone = ({ deploymentId, what }: DecisionRow): boolean =>
    !what.startsWith("rollback") || (header.live!.act && !notDone.has(deploymentId));
  heard.recordedOnly += notDone.size;
  heard.decisions.push(
    ...decisionRows(policy!, { records: about, commands, answers }).filter(isDone),
  );
}

function hear(event: DecisionEvent, heard: Heard): void {
  switch (event.kind) {
    case "deploymentStarted": {
      const { deployment, knownAtMs } = event;
      const { deploymentId, startedAtMs, kind, service, environment, version, author } = deployment;
      // Told a second time it was refused.
      if (heard.deployments.has(deploymentId)) return;
      heard.deployments.set(deploymentId, {
        ...{ deploymentId, service, environment, kind, kindSource: kind, startedAtMs },
        ...{ finishedAtMs: null, version, author, stages: [] },
        ...(knownAtMs > startedAtMs ? { knownAtMs } : {}),
      });
      return;
    }
    case "stageReached": {
      const { deploymentId, share, knownAtMs } = event;
      const row = heard.deployments.get(deploymentId);
      if (row === undefined) return;
      const stages = [...row.stages, { share, atMs: knownAtMs }];
      heard.deployments.set(deploymentId, { ...row, stages });
      return;
    }
    case "deploymentTagged":
      heard.tags.push(event.tag);
      return;
    case "haltOrdered":
      heard.halts++;
      return;
    case "signalJudged":
    case "overrideGiven":
    case "approvalGiven":
    case "rollbackFinished":
    case "haltLifted":
    case "policyChanged":
    case "requestRefused":
    case "faultReported":
    case "clockAdvanced":
      return;
  }
}

function tablesOf(heard: Heard): HistoryTables {
  return {
    deployments: [...heard.deployments.values()],
    tags: heard.tags,
    incidents: [],
    labels: [],
    decisions: heard.decisions,
    services: heard.services,
    metricCatalog: catalogOf(heard),
    cases: [],
  };
}

/** What a replay needs to read the samples as the host did. */
function catalogOf({ series, policies }: Heard): MetricRow[] {
  const rows = new Map<string, MetricRow>();
  const signals = [...policies.values()].flatMap((policy) => policy.signals);
  for (const { metric, percentagePoint: point, counter } of series) {
    const isPercent = point === 1;
    rows.set(metric, {
      metric,
      unit: isPercent ? "%" : "",
      worse: signals.find((signal) => matchesGlob(signal.metric, metric))?.worse ?? "both",
      kind: counter === true ? "counter" : isPercent ? "ratio" : "gauge",
    });
  }
  return [...rows.values()];
}

function warningsOf(heard: Heard): string[] {
  const { halts, recordedOnly, policies, deployments, series } = heard;
  const odd = series.find(
    ({ metric, percentagePoint: point }) =>
      percentagePoint(point === 1 ? "%" : "", metric) !== point,
  );
  return [
    deployments.size === 0
      ? "the host heard of no deployment: there is nothing to replay"
      : "a journal has no labels and incidents: how often a policy would be wrong, and what it " +
        "would miss, cannot be told",
    ...(halts > 0 ? [`all machines were halted ${halts} times: a replay knows of no halt`] : []),
    ...(recordedOnly > 0
      ? [`${recordedOnly} rollbacks were recorded only: the new version stayed, its samples go on`]
      : []),
    ...(policies.size > 1
      ? [`${policies.size} policies were in force one after the other: a replay is under one`]
      : []),
    ...(odd === undefined
      ? []
      : [`a percentage point of ${odd.metric} was ${odd.percentagePoint}, and is not in a replay`]),
  ];
}

function finish(
  writer: HistoryWriter,
  segments: readonly SegmentFiles[],
  heard: Heard,
  warnings: readonly string[],
): ReturnType<HistoryWriter["finish"]> {
  const policy = [...heard.policies.values()].at(-1)!;
  return writer.finish(tablesOf(heard), {
    madeBy: `hindsight ${ENGINE_VERSION} import shadow`,
    sources: segments.map(({ log }) => ({
      source: basename(log),
      sha256: createHash("sha256").update(readFileSync(log)).digest("hex"),
      rows: null,
    })),
    dropped: [],
    warnings,
    loggingPolicy: { name: policy.policy, digest: policy.digest },
  });
}
