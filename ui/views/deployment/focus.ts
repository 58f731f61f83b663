/** Of which policy a deployment's lesson, bands and tree are. */

import type {
  DeploymentDetail,
  Lane,
  WatchedSeries,
} from "../../../lab/server/contract/deployments.ts";

/**
 * The one that the address names, or else the one in force: the first.
 *
 * @returns empty while no policy is replayed
 */
export function focusOf(told: string | null, lanes: readonly Lane[]): string {
  const found = lanes.find(({ policy }) => policy === told) ?? lanes[0];
  return found?.policy ?? "";
}

/** More lanes than these would push the charts out of sight. */
const LANES_ABOVE = 3;

/** Lanes over the charts and below them: of many, only the one in focus stands above. */
export function lanesApart(
  lanes: readonly Lane[],
  focus: string,
): { readonly above: readonly Lane[]; readonly below: readonly Lane[] } {
  if (lanes.length <= LANES_ABOVE) return { above: lanes, below: [] };
  return {
    above: lanes.filter(({ policy }) => policy === focus),
    below: lanes.filter(({ policy }) => policy !== focus),
  };
}

/**
 * The charts in the order in which the lesson needs them: the metric of history's own reason, the
 * signal of the lesson, what the policy watches, the rest.
 */
export function inOrderOfTelling<Watched extends Pick<WatchedSeries, "metric" | "watchedBy">>(
  series: readonly Watched[],
  lane: Lane | undefined,
  recorded: DeploymentDetail["recorded"],
): readonly Watched[] {
  if (lane === undefined) return series;
  const reason = recorded.find(({ code }) => code === "recorded");
  const isNamed = (metric: string): boolean =>
    reason?.code === "recorded" && reason.reason !== null && reason.reason.includes(metric);
  const told = new Set(
    lane.lesson.flatMap((point) =>
      point.code === "ended" && point.shown !== null ? [point.shown.signal] : [],
    ),
  );
  const rank = ({ watchedBy, metric }: Watched): number => {
    if (isNamed(metric)) return -1;
    const own = watchedBy.filter(({ policy }) => policy === lane.policy);
    if (own.some(({ signal }) => told.has(signal))) return 0;
    return own.length > 0 ? 1 : 2;
  };
  return series.toSorted((one, other) => rank(one) - rank(other));
}
