/**
 * What the policy does not watch yet, as a dimension of a sweep: a drafted signal for each role of
 * this history's metrics, its own signals asked of callers too, and all of these.
 * What a policy watches moves its misses more than who acts and when, so this is tried first.
 */

import { own, watches, type JsonObject, type Policy } from "../../engine/index.ts";
import { namesOf } from "../history/metric/seriesName.ts";
import type { History } from "../history/open.ts";
import { POLICY_LIMITS } from "../limits.ts";
import { Problem } from "../problem.ts";
import type { Progress } from "../progress.ts";
import type { FalseAlarms } from "./draft.ts";
import { suggestPolicy, type Suggestion } from "./suggest.ts";
import { yamlValue } from "../yaml.ts";
import type { Dimension } from "../sweep/dimension.ts";
import type { Base } from "../sweep/variations.ts";

/** `--vary` for it, and what a sweep varies where nothing is asked for. */
export const OFFERED = "signals=offered";

/** How many false alarms a drafted signal may cost alone. */
const FALSE_ALARMS: FalseAlarms = { count: 1, per: "week" };

type Signal = JsonObject;
type Signals = JsonObject<Signal>;

/** What a variation would watch besides, and how that is called. */
interface Offer {
  readonly says: string;
  readonly signals: Signals;
}

/** What this history has and the policy does not watch. */
export async function offeredSignals(
  history: History,
  base: Base,
  progress: Progress,
): Promise<Dimension> {
  const draft = await suggestPolicy(history, FALSE_ALARMS, base.policy.owner, progress);
  return signalsBeside(history, base, draft);
}

/** @throws Problem where the policy watches all that the draft would */
export function signalsBeside(
  history: History,
  base: Base,
  { text, policy }: Pick<Suggestion, "text" | "policy">,
): Dimension {
  const drafted = own(yamlValue(text, "draft", POLICY_LIMITS) as JsonObject, "signals") as Signals;
  const offers = [
    ...draftedOffers(drafted, policy, unwatchedBy(history, base.policy)),
    ...(hasCallers(history) ? callersOffer(base) : []),
  ];
  if (offers.length === 0) {
    throw new Problem("--vary signals=offered: the policy watches all that could be offered", {
      file: base.file,
      cure: "Vary its numbers, such as --vary 'signals.*.tolerance=5%,10%,20%'.",
    });
  }
  return dimensionOf(base, offers);
}

/** Does a signal of a draft watch a series that no signal of the policy watches? */
function unwatchedBy(
  history: History,
  policy: Policy,
): (signal: Policy["signals"][number]) => boolean {
  const names = namesOf(history);
  return (signal) =>
    names.some(
      (name) => watches(signal, name) && !policy.signals.some((one) => watches(one, name)),
    );
}

/** One offer for each role: its sustained and its short harm are watched together. */
function draftedOffers(
  drafted: Signals,
  { signals }: Policy,
  isNew: (signal: Policy["signals"][number]) => boolean,
): Offer[] {
  const byRole = new Map<string, [string, Signal][]>();
  for (const signal of signals) {
    const written = own(drafted, signal.name);
    if (written === undefined || !isNew(signal)) continue;
    const role = signal.name.replace(/_excursion$/, "");
    byRole.set(role, [...(byRole.get(role) ?? []), [signal.name, written]]);
  }
  return [...byRole].map(([role, added]) => ({ says: role, signals: Object.fromEntries(added) }));
}

/** Without a call graph nothing is known to call a service. */
function hasCallers({ tables }: History): boolean {
  return tables.services.some(({ dependsOn }) => dependsOn.length > 0);
}

/** The policy's own signals asked of callers too, who are harmed first where a callee is slow. */
function callersOffer({ tree, policy }: Base): Offer[] {
  const written = own(tree, "signals") as Signals | undefined;
  const asked = policy.signals.filter(
    ({ name, of }) => of.length === 1 && of[0] === "own" && own(written ?? {}, name) !== undefined,
  );
  if (asked.length === 0) return [];
  const signals = asked.map(({ name }) => [
    name,
    { ...(own(written!, name) as Signal), of: ["own", "callers"] },
  ]);
  return [{ says: "callers", signals: Object.fromEntries(signals) as Signals }];
}

/** The policy as it is, with each offer alone, and with all of them. */
function dimensionOf({ tree, policy }: Base, offers: readonly Offer[]): Dimension {
  const written = (own(tree, "signals") ?? {}) as Signals;
  const taken = new Set(policy.signals.map(({ name }) => name));
  const withThese = (added: readonly Offer[]): Signals => {
    const signals = new Map(Object.entries(written));
    for (const offer of added) {
      for (const [name, signal] of Object.entries(offer.signals)) {
        // The same name may be another signal of the policy; a signal asked of callers replaces it.
        const isOwn = offer.says === "callers" || !taken.has(name);
        signals.set(isOwn ? name : `${name}_offered`, signal);
      }
    }
    return Object.fromEntries(signals);
  };
  const combinations = [[], ...offers.map((one) => [one]), ...(offers.length > 1 ? [offers] : [])];
  const values = combinations.map(withThese);
  const says = combinations.map((added) =>
    added.length === 0 ? "as now" : `+${added.map((one) => one.says).join("+")}`,
  );
  return {
    path: "signals",
    values,
    ordered: false,
    at: (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))],
    say: (value) => says[values.indexOf(value as Signals)] ?? "as now",
  };
}
