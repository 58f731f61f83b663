/**
 * What tags did to single deployments: those that end differently with them than without.
 * By the first draw, as every list of names is.
 */

import type { Label } from "../history/tables.ts";
import type { Listed } from "../history/listed.ts";
import { isGood, isOpen, type Outcome } from "../outcome/outcome.ts";

/** What tags did: to a good deployment `saved` or `harmed`, to a regression the other four. */
export type Deed = "saved" | "harmed" | "masked" | "delayed" | "hastened" | "caught";

export interface Change {
  readonly deploymentId: string;
  readonly service: string;
  readonly team: string | null;
  readonly label: Label;
  readonly did: Deed;
  /** How much later a regression was rolled back, or sooner; null where only one was. */
  readonly seconds: number | null;
  /** Does it rest on what history hid or on answers nobody knows? */
  readonly open: boolean;
  readonly why: string;
}

/**
 * What is known of them, and how many there are besides: what history hid, and what rests on
 * answers that nobody recorded, is never scored as right.
 */
export interface Credit {
  readonly saved: number;
  readonly harmed: number;
  readonly masked: number;
  readonly delayed: number;
  readonly delaySeconds: number;
  /** Changes of any kind that may be none. */
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
