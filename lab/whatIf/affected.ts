/**
 * Which deployments a change to a policy can touch at all in what one signal says of them. The
 * rest need not be judged again: what was changed is nothing that the engine reads there.
 *
 * Only what provably is not read is left out: `hold` and `clear` where no sample was beyond
 * the tolerance, a tag's rule where nobody gave the tag, a mode that wants a tag likewise.
 */

import { canonicalJson, type Mode, type Policy, type SignalPolicy } from "../../engine/index.ts";
import { detectionKey } from "../replay/families.ts";
import type { Judged, Unit } from "./material.ts";

/** @returns null where everybody is touched */
export function touchedBy(
  before: Policy,
  after: Policy,
  signal: string,
): ((unit: Unit, judged: Judged) => boolean) | null {
  const own = (policy: Policy): SignalPolicy => policy.signals.find(({ name }) => name === signal)!;
  const same = (one: unknown, other: unknown): boolean =>
    canonicalJson(one) === canonicalJson(other);
  // Everything that detection reads, but for what is looked at below.
  const rest = (policy: Policy): string =>
    detectionKey({ ...policy, context: [], modes: [] }, { ...own(policy), holdMs: 0, clearMs: 0 });
  if (rest(before) !== rest(after)) return null;
  const modes = changedModes(before, after);
  if (modes === null) return null;
  const held = !same(own(before), own(after));
  const tags = new Set([...modes, ...changedTags(before, after)]);
  return (unit, judged) => {
    if (held && !judged.within) return true;
    for (const tag of tags) if (unit.tags.has(tag)) return true;
    return false;
  };
}

/** Tags whose rule says something else about signals. */
function changedTags(before: Policy, after: Policy): readonly string[] {
  const rules = (policy: Policy) =>
    new Map(
      policy.context.map((rule) => [rule.tag, canonicalJson({ ...rule, tierAtLeast: null })]),
    );
  const [old, fresh] = [rules(before), rules(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])].filter(
    (tag) => old.get(tag) !== fresh.get(tag),
  );
}

/** Tags that changed modes wait for; null where one of them waits for none. */
function changedModes(before: Policy, after: Policy): readonly string[] | null {
  const said = (mode: Mode): string => canonicalJson({ ...mode, tier: {} });
  const all = ({ modes }: Policy): readonly string[] => modes.map(said);
  const [old, fresh] = [all(before), all(after)];
  const kept = (one: string): boolean => old.includes(one) && fresh.includes(one);
  // The order of modes that stay may matter; it is not asked whether it does.
  if (old.filter(kept).join() !== fresh.filter(kept).join()) return null;
  const changed = [...before.modes, ...after.modes].filter((mode) => !kept(said(mode)));
  const waits: string[] = [];
  for (const { when, calendar, between, otherwise } of changed) {
    const [tag] = Object.keys(when.tags ?? {});
    // One with a calendar or times decides also whether another is "otherwise" in force.
    if (tag === undefined || calendar.length > 0 || between.length > 0 || otherwise) return null;
    waits.push(tag);
  }
  return waits;
}
