/**
 * Imports the journal of a live host as a history, so that production can be replayed.
 *
 * Samples keep the time at which they became known, deployments and stages the time at which the
 * host learned of them. The `decisions` table is derived by running the journal's events through
 * the engine again, as `audit replay` does. A rollback that was only recorded did not happen, so it
 * gets no row in `decisions`.
 */

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import {
  ENGINE_VERSION,
  FLEET,
  isBatch,
  watches,
  worseOf,
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
import { counted } from "../../counted.ts";
import { percentagePoint } from "../../history/metric/seriesName.ts";
import { realDisk } from "./disk.ts";
import { ProposalsHeard } from "./proposals.ts";
import { segmentsIn, type SegmentFiles } from "./segments.ts";
import { RECORDED_ONLY } from "../recordedOnly.ts";
import { decisionRows } from "../../simulate/decisionRows.ts";
import type { DecisionRow, DeploymentRow, HistoryTables, MetricRow } from "../../history/tables.ts";
import { createHistory, type HistoryWriter } from "../../history/write.ts";
import { countLabels, type ImportSummary } from "../../history/import/importHistory.ts";
import { writeSamples } from "./historySamples.ts";

/** Everything in a journal except the samples. */
interface JournalContents {
  readonly deployments: Map<string, DeploymentRow>;
  readonly tags: ContextTag[];
  readonly decisions: DecisionRow[];
  readonly proposals: ProposalsHeard;
  readonly series: SeriesName[];
  readonly policies: Map<string, Policy>;
  services: NonNullable<LogHeader["live"]>["services"];
  halts: number;
  recordedOnly: number;
}

/** @throws Problem where the directory is not a journal, or its chain is broken */
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
  const contents: JournalContents = {
    ...{
      deployments: new Map(),
      tags: [],
      decisions: [],
      proposals: new ProposalsHeard(),
      series: [],
      policies: new Map(),
    },
    ...{ services: [], halts: 0, recordedOnly: 0 },
  };
  segments.forEach((files, at) => {
    progress.update(at, segments.length, "reading the journal");
    readSegment(files, at === segments.length - 1, contents);
  });
  const writer = await createHistory(options.out, { force: options.force });
  try {
    const warnings = [...warningsOf(contents), ...(await writeSamples(segments, writer, progress))];
    const manifest = await finish(writer, segments, contents, warnings);
    return { manifest, deployments: countLabels({ ...tablesOf(contents), labels: [] }) };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    progress.end();
  }
}

/** Runs the events of a segment through the state machine again, for its records and commands. */
function readSegment({ log }: SegmentFiles, open: boolean, contents: JournalContents): void {
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
      contents.services = live.services;
      contents.policies.set(policy.digest, policy);
      contents.series.push(...(live.carried?.series ?? []));
    } else if (kind === "samples") {
      if (isBatch(content)) contents.series.push(...content.series);
    } else if (kind === "event" && content.kind !== "contextPrepared") {
      if (content.kind === "policyChanged") {
        policy = content.policy;
        contents.policies.set(policy.digest, policy);
      }
      const next = step(policy!, fleet!, content);
      fleet = next.state;
      records.push(...next.records);
      commands.push(...next.commands.filter(({ deploymentId }) => deploymentId !== FLEET));
      collect(content, contents);
      contents.proposals.answer(content, next.records);
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
  contents.recordedOnly += notDone.size;
  contents.decisions.push(
    ...decisionRows(policy!, { records: about, commands, answers }).filter(isDone),
  );
}

function collect(event: DecisionEvent, contents: JournalContents): void {
  switch (event.kind) {
    case "deploymentStarted": {
      const { deployment, knownAtMs } = event;
      const { deploymentId, startedAtMs, kind, service, environment, version, author } = deployment;
      // The engine refused a second start of the same deployment.
      if (contents.deployments.has(deploymentId)) return;
      contents.deployments.set(deploymentId, {
        ...{ deploymentId, service, environment, kind, kindSource: kind, startedAtMs },
        ...{ finishedAtMs: null, version, author, stages: [] },
        ...(knownAtMs > startedAtMs ? { knownAtMs } : {}),
      });
      return;
    }
    case "stageReached": {
      const { deploymentId, share, knownAtMs } = event;
      const row = contents.deployments.get(deploymentId);
      if (row === undefined) return;
      const stages = [...row.stages, { share, atMs: knownAtMs }];
      contents.deployments.set(deploymentId, { ...row, stages });
      return;
    }
    case "deploymentTagged":
      contents.tags.push(event.tag);
      return;
    case "haltOrdered":
      contents.halts++;
      return;
    case "agentProposed":
      contents.proposals.propose(event);
      return;
    case "signalJudged":
    case "overrideGiven":
    case "approvalGiven":
    case "rollbackFinished":
    case "haltLifted":
    case "policyChanged":
    case "requestRefused":
    case "faultReported":
    case "deploymentQuarantined":
    case "clockAdvanced":
      return;
  }
}

function tablesOf(contents: JournalContents): HistoryTables {
  const proposals = contents.proposals.rows();
  return {
    deployments: [...contents.deployments.values()],
    tags: contents.tags,
    incidents: [],
    labels: [],
    decisions: contents.decisions,
    services: contents.services,
    metricCatalog: catalogOf(contents),
    cases: [],
    ...(proposals.length === 0 ? {} : { proposals }),
  };
}

/** Unit and kind of each metric, so that a replay reads the samples as the host did. */
function catalogOf({ series, policies }: JournalContents): MetricRow[] {
  const rows = new Map<string, MetricRow>();
  const signals = [...policies.values()].flatMap((policy) => policy.signals);
  for (const name of series) {
    const { metric, percentagePoint: point, counter, role, ratio } = name;
    const isPercent = point === 1;
    const byPolicy = signals.find((signal) => watches(signal, name))?.worse;
    rows.set(metric, {
      metric,
      unit: isPercent ? "%" : ratio === true ? "ratio" : "",
      worse: name.worse ?? (role === undefined ? (byPolicy ?? "both") : worseOf(role)),
      kind: counter === true ? "counter" : isPercent ? "ratio" : "gauge",
      // A host of before there were roles recorded none: then it is inferred.
      ...(role === undefined ? {} : { role }),
    });
  }
  return [...rows.values()];
}

function warningsOf(contents: JournalContents): string[] {
  const { halts, recordedOnly, policies, deployments, series, proposals } = contents;
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
      ? [`${counted(recordedOnly, "rollback")} recorded only: the new version stayed, and went on`]
      : []),
    ...(proposals.byToken > 0
      ? [
          `${counted(proposals.byToken, "proposal")} came with a token alone, so that a person ` +
            "had to agree: a replay does not know that",
        ]
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
  contents: JournalContents,
  warnings: readonly string[],
): ReturnType<HistoryWriter["finish"]> {
  const policy = [...contents.policies.values()].at(-1)!;
  return writer.finish(tablesOf(contents), {
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
