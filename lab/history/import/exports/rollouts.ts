/**
 * What Argo Rollouts and Flagger decided: AnalysisRuns, and the Kubernetes events of Rollouts and
 * Canaries, as `kubectl get analysisruns,events -A -o json` prints them. A cluster forgets its
 * events after an hour, so export from where they are kept.
 *
 * An inconclusive AnalysisRun pauses the rollout until a person promotes or aborts it: the machine
 * proposed. Promoting overrides, aborting approves; neither event names the person. A failed run or
 * a failed canary is a rollback without a question.
 */

import { isFields, textIn, within, type Fields } from "../../../jsonBody.ts";
import { getOrMake } from "../../../getOrMake.ts";
import type { DecisionWhat } from "../../tables.ts";
import { iso } from "../../duck.ts";
import {
  needed,
  readEach,
  timeIn,
  type ForeignDecision,
  type ForeignDeployment,
  type Naming,
  type Reading,
} from "./foreign.ts";

const ARGO = "argo-rollouts";
const FLAGGER = "flagger";

/** One thing that a rollout tool reported about one Rollout or Canary. */
interface Report {
  readonly tool: typeof ARGO | typeof FLAGGER;
  /** `namespace/name`. */
  readonly rollout: string;
  readonly atMs: number;
  readonly says: Says;
  /** Of a Rollout; null where the report does not tell. */
  readonly revision: string | null;
  readonly version: string | null;
  readonly message: string;
}

type Says = "started" | "paused" | "goesOn" | "aborted" | "failed" | "rolledBack" | "completed";

export interface Rollouts {
  readonly deployments: Reading<ForeignDeployment>;
  readonly decisions: readonly ForeignDecision[];
}

export function readRollouts(elements: readonly unknown[], naming: Naming): Rollouts {
  const listed = elements.flatMap((element) =>
    isFields(element) && Array.isArray(element["items"])
      ? (element["items"] as unknown[])
      : [element],
  );
  const { rows, problems } = readEach(listed, reportsOf);
  const byRollout = new Map<string, Report[]>();
  for (const report of rows) {
    getOrMake(byRollout, `${report.tool}/${report.rollout}`, () => []).push(report);
  }
  const told = [...byRollout.values()].map((reports) => followed(reports, naming));
  return {
    deployments: { rows: told.flatMap(({ deployments }) => deployments), problems },
    decisions: told.flatMap(({ decisions }) => decisions),
  };
}

// ── Reading one object ─────────────────────────────────────────────────────────

function reportsOf(element: Fields): readonly Report[] {
  const kind = needed(textIn(element, "kind"), "kind");
  if (kind === "AnalysisRun") return analysisRun(element);
  if (kind !== "Event") return [];
  const object = within(element, "involvedObject");
  const about = textIn(object, "kind");
  if (about !== "Rollout" && about !== "Canary") return [];
  const rollout = placeOf(object, "involvedObject");
  const message = textIn(element, "message") ?? "";
  const read =
    about === "Rollout" ? argoEvent(textIn(element, "reason"), message) : flaggerEvent(message);
  if (read === null) return [];
  const tool = about === "Rollout" ? ARGO : FLAGGER;
  const [first, last] = timesOf(element);
  // Kubernetes counts equal events in one object, which keeps the first and the last time.
  const times = read.says === "started" && first !== last ? [first, last] : [last];
  return times.map((atMs) => ({ tool, rollout, atMs, message, version: null, ...read }));
}

function placeOf(metadata: Fields, where: string): string {
  const name = needed(textIn(metadata, "name"), `${where}.name`);
  return `${textIn(metadata, "namespace") ?? "default"}/${name}`;
}

function timesOf(event: Fields): readonly [firstMs: number, lastMs: number] {
  const eventMs = timeIn(event, "eventTime");
  const last = timeIn(event, "lastTimestamp") ?? eventMs ?? timeIn(event, "firstTimestamp");
  const lastMs = needed(last, "lastTimestamp");
  return [timeIn(event, "firstTimestamp") ?? eventMs ?? lastMs, lastMs];
}

type Read = Pick<Report, "says" | "revision"> & { readonly version?: string | null };

const ARGO_REASONS: ReadonlyMap<string | null, Says> = new Map([
  ["RolloutUpdated", "started"],
  ["AnalysisRunInconclusive", "paused"],
  ["RolloutResumed", "goesOn"],
  ["RolloutAborted", "aborted"],
  ["RolloutCompleted", "completed"],
]);

function argoEvent(reason: string | null, message: string): Read | null {
  const says = ARGO_REASONS.get(reason);
  if (says === undefined) return null;
  const [, revision = null, version = null] =
    /\brevision (\d{1,9})(?: \(([a-z\d]{1,40})\))?/.exec(message) ?? [];
  return { says, revision, version };
}

const FLAGGER_MESSAGES: readonly (readonly [RegExp, Says])[] = [
  [/^New revision detected! /, "started"],
  [/^Rolling back /, "failed"],
  [/^Canary failed! /, "rolledBack"],
  [/^Promotion completed! /, "completed"],
];

function flaggerEvent(message: string): Read | null {
  const [, says] = FLAGGER_MESSAGES.find(([pattern]) => pattern.test(message)) ?? [];
  return says === undefined ? null : { says, revision: null };
}

const PHASES: ReadonlyMap<string | null, Says> = new Map([
  ["Failed", "failed"],
  ["Error", "failed"],
  ["Inconclusive", "paused"],
]);

/** Its start is a start of its revision, for where the event of that is lost. */
function analysisRun(run: Fields): readonly Report[] {
  const metadata = within(run, "metadata");
  const owners = metadata["ownerReferences"];
  const owner = (Array.isArray(owners) ? owners.filter(isFields) : []).find(
    (one) => textIn(one, "kind") === "Rollout",
  );
  // A run that no Rollout owns decides about no deployment.
  if (owner === undefined) return [];
  const name = needed(textIn(owner, "name"), "name of its Rollout");
  const status = within(run, "status");
  const about = {
    tool: ARGO,
    rollout: `${textIn(metadata, "namespace") ?? "default"}/${name}`,
    revision: textIn(within(metadata, "annotations"), "rollout.argoproj.io/revision"),
    version: textIn(within(metadata, "labels"), "rollouts-pod-template-hash"),
    message: textIn(status, "message") ?? "",
  } as const;
  const startedMs = timeIn(status, "startedAt") ?? timeIn(metadata, "creationTimestamp");
  const started = {
    ...about,
    atMs: needed(startedMs, "status.startedAt"),
    says: "started" as const,
  };
  const says = PHASES.get(textIn(status, "phase"));
  if (says === undefined) return [started];
  const atMs = needed(timeIn(status, "completedAt"), "status.completedAt");
  return [started, { ...about, atMs, says }];
}

// ── What the reports of one rollout mean ───────────────────────────────────────

interface Deploying {
  deployment: ForeignDeployment;
  revision: string | null;
  /** Does a question of the machine stand? */
  isAsked: boolean;
  isRolledBack: boolean;
}

/** A start comes before what is decided at the same time, and a question before its answer. */
const ORDER: readonly Says[] = [
  ...(["started", "paused", "failed", "goesOn"] as const),
  ...(["aborted", "rolledBack", "completed"] as const),
];

function followed(reports: readonly Report[], naming: Naming) {
  const deployments: Deploying[] = [];
  const decisions: ForeignDecision[] = [];
  const sorted = [...reports].sort(
    (a, b) => a.atMs - b.atMs || ORDER.indexOf(a.says) - ORDER.indexOf(b.says),
  );
  for (const report of sorted) {
    const { revision } = report;
    const known =
      revision === null
        ? deployments.at(-1)
        : deployments.findLast((one) => one.revision === revision);
    if (report.says === "started") {
      if (revision === null || known === undefined) deployments.push(begun(report, naming));
      else if (report.version !== null) known.deployment = withVersion(known, report.version);
    } else if (known !== undefined) {
      decisions.push(...decided(known, report));
    }
  }
  return { deployments: deployments.map(({ deployment }) => deployment), decisions };
}

function begun({ tool, rollout, atMs, revision, version }: Report, naming: Naming): Deploying {
  const name = rollout.slice(rollout.indexOf("/") + 1);
  const deployment: ForeignDeployment = {
    deploymentId: `${tool}/${rollout}/${revision === null ? iso(atMs) : `r${revision}`}`,
    service: naming.services.get(rollout) ?? naming.services.get(name) ?? name,
    environment: naming.environment,
    kind: "",
    startedAtMs: atMs,
    finishedAtMs: null,
    state: "running",
    version,
    author: null,
  };
  return { deployment, revision, isAsked: false, isRolledBack: false };
}

const withVersion = ({ deployment }: Deploying, version: string): ForeignDeployment => {
  return { ...deployment, version: deployment.version ?? version };
};

/** Notes what a report says about a deployment, and returns what was decided by it. */
function decided(about: Deploying, report: Report): readonly ForeignDecision[] {
  const { says, tool, atMs, message } = report;
  const row = (what: DecisionWhat, by: string | null): ForeignDecision => {
    const justification = message === "" ? null : message;
    return { deploymentId: about.deployment.deploymentId, atMs, what, by, justification };
  };
  const wasAsked = about.isAsked;
  switch (says) {
    case "started":
      return [];
    case "paused":
      // The AnalysisRun and its event tell the same.
      about.isAsked = true;
      return wasAsked || about.isRolledBack ? [] : [row("proposed", tool)];
    case "goesOn":
      about.isAsked = false;
      return wasAsked ? [row("overrideGiven", null)] : [];
    case "failed":
    case "aborted": {
      if (about.isRolledBack) return [];
      about.isRolledBack = true;
      about.isAsked = false;
      about.deployment = { ...about.deployment, state: "failed" };
      const begins = row("rollbackStarted", tool);
      return wasAsked && says === "aborted" ? [row("approvalGiven", null), begins] : [begins];
    }
    case "rolledBack":
      return about.isRolledBack ? [row("rollbackFinished", tool)] : [];
    case "completed":
      about.isAsked = false;
      about.deployment = { ...about.deployment, state: "succeeded", finishedAtMs: atMs };
      // Promoted in full, which resumes nothing.
      return wasAsked ? [row("overrideGiven", null)] : [];
  }
}
