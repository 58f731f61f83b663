/**
 * Finds the deployments on which a change of a policy can affect the judgements of one signal. The
 * others need not be judged again.
 *
 * A deployment is excluded only if the engine provably does not read what changed: `hold` and
 * `clear` where no sample was beyond the tolerance, or the rule or mode of a tag that nobody gave.
 */

import { canonicalJson, type Mode, type Policy, type SignalPolicy } from "../../engine/index.ts";
import { detectionKey, unheldSignal } from "../replay/families.ts";
import type { Judged, Unit } from "./material.ts";

/** @returns null where every deployment may be affected */
export function touchedBy(
  before: Policy,
  after: Policy,
  signal: string,
): ((unit: Unit, judged: Judged) => boolean) | null {
  const own = (policy: Policy): SignalPolicy => policy.signals.find(({ name }) => name === signal)!;
  const same = (one: unknown, other: unknown): boolean =>
    canonicalJson(one) === canonicalJson(other);
  // Everything that detection reads, except what is examined below.
  const rest = (policy: Policy): string =>
    detectionKey({ ...policy, context: [], modes: [] }, unheldSignal(own(policy)));
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

/** Tags whose rules about signals differ. */
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

/** The tags that changed modes require; null where one of them requires none. */
function changedModes(before: Policy, after: Policy): readonly string[] | null {
  const said = (mode: Mode): string => canonicalJson({ ...mode, tier: {} });
  const all = ({ modes }: Policy): readonly string[] => modes.map(said);
  const [old, fresh] = [all(before), all(after)];
  const kept = (one: string): boolean => old.includes(one) && fresh.includes(one);
  // The order of unchanged modes may matter, so a change of order affects everything.
  if (old.filter(kept).join() !== fresh.filter(kept).join()) return null;
  const changed = [...before.modes, ...after.modes].filter((mode) => !kept(said(mode)));
  const waits: string[] = [];
  for (const { when, calendar, between, otherwise } of changed) {
    const [tag] = Object.keys(when.tags ?? {});
    // A mode with a calendar or times also decides whether an `otherwise` mode applies.
    if (tag === undefined || calendar.length > 0 || between.length > 0 || otherwise) return null;
    waits.push(tag);
  }
  return waits;
}
