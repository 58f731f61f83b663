/**
 * Deployments of Argo CD: its Application resources, as `argocd app list -o json` or `kubectl
 * get applications -A -o json` print them, or as a notification template sends one
 * (`{"app": {{toJson .app}}}`; see README.md).
 *
 * A sync is a deployment when it brought another revision or another source than the one
 * before it: healing what drifted changes nothing on purpose. `status.history` keeps ten syncs
 * unless the Application says otherwise (`revisionHistoryLimit`), so export often enough.
 */

import { isFields, listIn, textIn, within, type Fields } from "../../../jsonBody.ts";
import { iso } from "../../duck.ts";
import {
  needed,
  readEach,
  timeIn,
  type ForeignDeployment,
  type Naming,
  type Reading,
} from "./foreign.ts";

/**
 * Every deployment in Applications (or in lists of them). The operation under way, or the last
 * one when it failed, is among them, so that a notification tells of a sync as it begins.
 */
export function readArgocd(
  elements: readonly unknown[],
  naming: Naming,
): Reading<ForeignDeployment> {
  const apps = elements.flatMap((element) => {
    if (!isFields(element)) return [element];
    if (Array.isArray(element["items"])) return element["items"] as unknown[];
    return [isFields(element["app"]) ? element["app"] : element];
  });
  return readEach(apps, (app) => deploymentsOf(app, naming));
}

function deploymentsOf(app: Fields, naming: Naming): readonly ForeignDeployment[] {
  const metadata = within(app, "metadata");
  const name = needed(textIn(metadata, "name"), "metadata.name");
  const said = (key: string): string | null =>
    textIn(within(metadata, "annotations"), `hindsight/${key}`) ??
    textIn(within(metadata, "labels"), `hindsight/${key}`);
  const syncs = syncsOf(app);
  return syncs
    .filter((sync, at) => at === 0 || isAnother(sync, syncs[at - 1]!))
    .map(({ startedAtMs, finishedAtMs, state, revision, author }) => ({
      deploymentId: `argocd/${name}/${iso(startedAtMs)}`,
      service: naming.services.get(name) ?? said("service") ?? name,
      environment: said("environment") ?? naming.environment,
      kind: said("kind") ?? "",
      startedAtMs,
      finishedAtMs,
      state,
      version: revision,
      author,
    }));
}

interface Sync {
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly state: ForeignDeployment["state"];
  readonly revision: string | null;
  readonly author: string | null;
  /** As JSON; null while nobody says. */
  readonly source: string | null;
}

/** History first, then the operation that is not in it, in the order they started. */
function syncsOf(app: Fields): Sync[] {
  const done = listIn(within(app, "status"), "history").map((entry): Sync => {
    const finishedAtMs = needed(timeIn(entry, "deployedAt"), "time status.history[].deployedAt");
    return {
      startedAtMs: timeIn(entry, "deployStartedAt") ?? finishedAtMs,
      finishedAtMs,
      state: "succeeded",
      revision: revisionIn(entry),
      author: initiatorIn(entry),
      source: sourceIn(entry),
    };
  });
  done.sort((a, b) => a.startedAtMs - b.startedAtMs);
  const current = operationOf(app);
  const inHistory = done.some(({ startedAtMs }) => startedAtMs === current?.startedAtMs);
  return current === null || inHistory ? done : [...done, current];
}

const PHASES: ReadonlyMap<string | null, ForeignDeployment["state"]> = new Map([
  ["Running", "running"],
  ["Terminating", "running"],
  ["Succeeded", "succeeded"],
  ["Failed", "failed"],
  ["Error", "failed"],
]);

function operationOf(app: Fields): Sync | null {
  const operation = within(app, "status", "operationState");
  const state = PHASES.get(textIn(operation, "phase"));
  const startedAtMs = timeIn(operation, "startedAt");
  const result = within(operation, "syncResult");
  const asked = within(operation, "operation", "sync");
  // Only a sync deploys, and a dry run does not.
  if (state === undefined || startedAtMs === null || asked["dryRun"] === true) return null;
  const synced = revisionIn(result) === null ? asked : result;
  if (revisionIn(synced) === null) return null;
  return {
    startedAtMs,
    finishedAtMs: state === "succeeded" ? timeIn(operation, "finishedAt") : null,
    state,
    revision: revisionIn(synced),
    author: initiatorIn(within(operation, "operation")),
    source: sourceIn(synced),
  };
}

/** An Application of several sources has a revision of each. */
function revisionIn(entry: Fields): string | null {
  const several: unknown = entry["revisions"];
  const named = Array.isArray(several)
    ? several.filter((one): one is string => typeof one === "string")
    : [];
  return named.length > 0 ? named.join("+") : textIn(entry, "revision");
}

function sourceIn(entry: Fields): string | null {
  const source = entry["sources"] ?? entry["source"] ?? null;
  return source === null ? null : JSON.stringify(source);
}

/** Healing what had drifted brings back what was there. */
function isAnother(sync: Sync, before: Sync): boolean {
  if (sync.revision !== before.revision) return true;
  return sync.source !== null && before.source !== null && sync.source !== before.source;
}

function initiatorIn(entry: Fields): string | null {
  const by = within(entry, "initiatedBy");
  return textIn(by, "username") ?? (by["automated"] === true ? "argocd (automated)" : null);
}
