/**
 * The rollback that a newcomer looks at first: a planned migration that people announced, that was
 * good, and that was rolled back all the same, in the night at 23:32.
 *
 * A history may hold several of these, or none. The rule: a good deployment, tagged before it began
 * as a migration window and with what was expected to rise, that history rolled back and no person
 * approved. Of several, the one whose rollback began nearest to 23:32 on its service's own clock,
 * and of equals the one announced earliest. Pure: from the tables alone.
 */

import { getOrMake } from "../getOrMake.ts";
import type { DecisionRow, HistoryTables, TagRow } from "../history/tables.ts";
import { localHour } from "../localTime.ts";
import { rollbacksOf } from "../replay/censor.ts";

export interface AnnouncedRollback {
  readonly deploymentId: string;
  readonly service: string;
  /** IANA name; null means UTC. */
  readonly timezone: string | null;
  readonly startedAtMs: number;
  /** What people declared about it before it began, the earliest first. */
  readonly tags: readonly TagRow[];
  /** Null where no proposal is recorded. */
  readonly proposed: DecisionRow | null;
  readonly rolledBackAtMs: number;
}

/** Hours since local midnight: 23:32. */
const THAT_NIGHT = 23 + 32 / 60;

type Tables = Pick<HistoryTables, "deployments" | "decisions" | "labels" | "services" | "tags">;

/** Null where the history has no such deployment. */
export function announcedRollback(tables: Tables): AnnouncedRollback | null {
  const rollbacks = rollbacksOf(tables.decisions);
  const good = new Set(
    tables.labels.flatMap(({ deploymentId, label }) =>
      label === "benign" || label === "expected_change" ? [deploymentId] : [],
    ),
  );
  for (const { what, deploymentId } of tables.decisions) {
    if (what === "approvalGiven") good.delete(deploymentId);
  }
  const tagged = new Map<string, TagRow[]>();
  for (const tag of tables.tags) {
    const { deploymentId: id } = tag;
    if (id !== null && rollbacks.has(id) && good.has(id)) getOrMake(tagged, id, () => []).push(tag);
  }
  if (tagged.size === 0) return null;
  const zones = new Map(tables.services.map(({ service, timezone }) => [service, timezone]));
  let best: AnnouncedRollback | null = null;
  for (const { deploymentId, service, startedAtMs } of tables.deployments) {
    const tags = (tagged.get(deploymentId) ?? [])
      .filter(({ knownAtMs }) => knownAtMs < startedAtMs)
      .sort((a, b) => a.knownAtMs - b.knownAtMs || (a.tag < b.tag ? -1 : 1));
    const isWindow = tags.some(({ tag }) => tag === "migration_window");
    if (!isWindow || !tags.some(({ tag }) => tag.startsWith("expected_"))) continue;
    const found: AnnouncedRollback = {
      deploymentId,
      service,
      timezone: zones.get(service) ?? null,
      startedAtMs,
      tags,
      proposed:
        tables.decisions.find(
          (row) => row.deploymentId === deploymentId && row.what === "proposed",
        ) ?? null,
      rolledBackAtMs: rollbacks.get(deploymentId)!,
    };
    if (best === null || comesFirst(found, best)) best = found;
  }
  return best;
}

function comesFirst(one: AnnouncedRollback, other: AnnouncedRollback): boolean {
  const nearer = minutesAway(one) - minutesAway(other);
  return nearer === 0 ? announcedAheadMs(one) > announcedAheadMs(other) : nearer < 0;
}

/** How long before it began people knew of it. */
export function announcedAheadMs({ startedAtMs, tags }: AnnouncedRollback): number {
  return startedAtMs - tags[0]!.knownAtMs;
}

/** From 23:32, around the clock. */
function minutesAway({ timezone, rolledBackAtMs }: AnnouncedRollback): number {
  const hours = Math.abs(localHour(timezone, rolledBackAtMs) - THAT_NIGHT);
  return Math.round(Math.min(hours, 24 - hours) * 60);
}
