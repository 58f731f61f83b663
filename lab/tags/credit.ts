/**
 * The deployments that end differently with tags than without. Like all lists of deployments, they
 * are those of the first draw.
 */

import type { Label } from "../history/tables.ts";
import type { Listed } from "../history/listed.ts";
import { isGood, isOpen, type Outcome } from "../outcome/outcome.ts";

/** The effect of tags: `saved` and `harmed` on good deployments, the others on regressions. */
export type Deed = "saved" | "harmed" | "masked" | "delayed" | "hastened" | "caught";

export interface Change {
  readonly deploymentId: string;
  readonly service: string;
  readonly team: string | null;
  readonly label: Label;
  readonly did: Deed;
  /** By how much a rollback came later or sooner; null unless `delayed` or `hastened`. */
  readonly seconds: number | null;
  /** Does it rest on what history hid, or on answers that nobody recorded? */
  readonly open: boolean;
  readonly why: string;
}

/**
 * Counts of the effects that are certain. Changes that rest on what history hid, or on answers that
 * nobody recorded, are counted as `open` only.
 */
export interface Credit {
  readonly saved: number;
  readonly harmed: number;
  readonly masked: number;
  readonly delayed: number;
  readonly delaySeconds: number;
  /** Changes of any kind that are uncertain. */
  readonly open: number;
}

/** @param without and @param withTags outcomes of the same deployments */
export function changesBetween(
  without: Listed<Outcome>,
  withTags: Listed<Outcome>,
): readonly Change[] {
  return without.flatMap((before, at) => {
    const after = withTags.at(at)!;
    const did = deedOf(before, after);
    if (did === null) return [];
    const { deploymentId, service, team, label } = before;
    const moved = did === "delayed" || did === "hastened";
    return [
      {
        deploymentId,
        service,
        team,
        label,
        did,
        seconds: moved ? Math.abs(after.executedAtMs! - before.executedAtMs!) / 1000 : null,
        open: isOpen(before) || isOpen(after),
        why: after.reason,
      },
    ];
  });
}

function deedOf(before: Outcome, after: Outcome): Deed | null {
  const regression = before.label === "regression";
  if (!regression && !isGood(before)) return null;
  if (before.rolledBack && !after.rolledBack) return regression ? "masked" : "saved";
  if (!before.rolledBack && after.rolledBack) return regression ? "caught" : "harmed";
  if (!regression || !before.rolledBack || before.executedAtMs === after.executedAtMs) return null;
  return after.executedAtMs! > before.executedAtMs! ? "delayed" : "hastened";
}

export function creditOf(changes: readonly Change[]): Credit {
  const known = changes.filter(({ open }) => !open);
  const count = (did: Deed): number => known.filter((change) => change.did === did).length;
  const late = known.filter(({ did }) => did === "delayed");
  return {
    saved: count("saved"),
    harmed: count("harmed"),
    masked: count("masked"),
    delayed: late.length,
    delaySeconds: late.reduce((sum, { seconds }) => sum + seconds!, 0),
    open: changes.length - known.length,
  };
}
