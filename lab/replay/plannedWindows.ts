/** Which stretches of which series are read for one deployment of a plan. */

import { DAY_MS, SEASON_DAYS, seasonMarginMs } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import type { WindowRequest } from "../history/windows.ts";
import type { Plan } from "./plan.ts";

/** A stretch of one series that one deployment needs, for its watch or for its season. */
export interface PlannedWindow extends WindowRequest {
  /** The deployment's id, and its place in the plan. */
  readonly about: string;
  readonly deployment: number;
  /** 0 for the watch itself, k for the day k days before. */
  readonly day: number;
}

/**
 * The windows of one deployment, in no particular order.
 *
 * @param index the deployment's place in the plan
 * @param windows gets them added; the id of each is its index there
 * @returns `windows`
 */
export function windowsOf(
  history: Past,
  plan: Plan,
  index: number,
  windows: PlannedWindow[] = [],
): PlannedWindow[] {
  const { deployment, caseId, rolledBackAtMs, series, peers } = plan.deployments.at(index)!;
  const { cases } = history.tables;
  const recording = caseId === null ? undefined : cases.find((row) => row.caseId === caseId);
  const startsAtMs = recording?.startsAtMs ?? Number.NEGATIVE_INFINITY;
  const endsAtMs = Math.min(
    recording?.endsAtMs ?? Number.POSITIVE_INFINITY,
    rolledBackAtMs === null ? Number.POSITIVE_INFINITY : rolledBackAtMs + 1,
  );
  const { deploymentId: about } = deployment;
  const wanted =
    peers.length === 0 ? series : [...series, ...peers.map((peer) => ({ ...peer, season: null }))];
  for (const { index: seriesIndex, lookBackMs, noiseBackMs, season } of wanted) {
    const watchBackMs = rolledBackAtMs === null ? lookBackMs : Math.max(lookBackMs, noiseBackMs);
    for (let day = 0; day <= (season === null ? 0 : SEASON_DAYS); day++) {
      const shiftMs = day * DAY_MS;
      const marginMs = day === 0 ? 1 : seasonMarginMs(season!.slotMs);
      const backMs = day === 0 ? watchBackMs : season!.backMs + marginMs;
      const fromMs = deployment.startedAtMs - backMs - shiftMs;
      const toMs = deployment.startedAtMs + plan.lookAheadMs - shiftMs + marginMs;
      const from = Math.max(fromMs, startsAtMs);
      const to = Math.min(toMs, day === 0 ? endsAtMs : deployment.startedAtMs);
      if (to <= from) continue;
      const id = windows.length;
      windows.push({
        id,
        series: seriesIndex,
        fromMs: from,
        toMs: to,
        about,
        deployment: index,
        day,
      });
    }
  }
  return windows;
}
