/**
 * Who rolled back, as deployments of GitHub tell it: a later deployment brings an earlier SHA back
 * to the same service and environment. Its creator decided it, when it began.
 *
 * Nothing else is read as a decision. A status `failure`, `error` or `inactive` alone does not say
 * that anybody rolled back. A review of a protection rule decides whether a deployment may begin,
 * and `approvalGiven` means that a person agreed to roll one back.
 */

import { getOrMake } from "../../../getOrMake.ts";
import type { ForeignDecision, ForeignDeployment } from "./foreign.ts";

/** What comes back later may be a release of its own. */
const WEEK_MS = 7 * 86_400_000;
/** A branch comes back with every deployment. */
const SHA = /^[\da-f]{40}([\da-f]{24})?$/i;

export function decidedAtGithub(rows: readonly ForeignDeployment[]): readonly ForeignDecision[] {
  const groups = new Map<string, Map<string, ForeignDeployment>>();
  for (const row of rows) {
    if (row.state === "waiting" || !SHA.test(row.version ?? "")) continue;
    // A deployment may be in several files; the last one knows the most.
    const key = JSON.stringify([row.service, row.environment]);
    getOrMake(groups, key, () => new Map()).set(row.deploymentId, row);
  }
  return [...groups.values()].flatMap((group) => decidedIn([...group.values()]));
}

/** Of one service in one environment. */
function decidedIn(group: ForeignDeployment[]): readonly ForeignDecision[] {
  group.sort((a, b) => a.startedAtMs - b.startedAtMs || (a.deploymentId < b.deploymentId ? -1 : 1));
  const decisions: ForeignDecision[] = [];
  const firstAt = new Map<string, number>();
  const succeeded = new Set<string>();
  let running: ForeignDeployment | null = null;
  for (const [place, row] of group.entries()) {
    const sha = row.version!.toLowerCase();
    const before: string | undefined = running?.version?.toLowerCase();
    getOrMake(firstAt, sha, () => place);
    const isBack =
      running !== null &&
      before !== undefined &&
      succeeded.has(sha) &&
      firstAt.get(sha)! < firstAt.get(before)! &&
      row.startedAtMs - running.startedAtMs <= WEEK_MS;
    if (isBack) decisions.push(...rollback(running!, row));
    if (row.state === "succeeded") succeeded.add(sha);
    // Where a rollback failed, what it was to take back runs on.
    if (!isBack || row.state !== "failed") running = row;
  }
  return decisions;
}

function rollback(taken: ForeignDeployment, by: ForeignDeployment): readonly ForeignDecision[] {
  const words = by.title == null || by.title === "" ? "" : `: ${by.title}`;
  const justification = `${by.deploymentId} brings back ${by.version!.slice(0, 12)}${words}`;
  const about = { deploymentId: taken.deploymentId, by: by.author, justification };
  const started = { ...about, what: "rollbackStarted", atMs: by.startedAtMs } as const;
  if (by.state === "succeeded" && by.finishedAtMs !== null) {
    return [started, { ...about, what: "rollbackFinished", atMs: by.finishedAtMs }];
  }
  if (by.state === "failed" && by.failedAtMs !== undefined) {
    return [started, { ...about, what: "rollbackFailed", atMs: by.failedAtMs }];
  }
  return [started];
}
