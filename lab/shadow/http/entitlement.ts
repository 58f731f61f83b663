/** Who may override, approve or halt: people by name or group, for teams, services or all. */

import type { ServiceRow } from "../../history/tables.ts";
import type { Deed, Grant } from "../config/shadowFile.ts";

export interface Entitlements {
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly entitled: readonly Grant[];
  readonly services: readonly ServiceRow[];
}

/** The grants of somebody for a deed, whatever they cover. */
function grantsOf(
  { groups, entitled }: Pick<Entitlements, "groups" | "entitled">,
  who: string,
  deed: Deed,
): readonly Grant[] {
  return entitled.filter(
    (grant) =>
      grant.may.includes(deed) &&
      grant.who.some((name) => name === who || groups[name]?.includes(who) === true),
  );
}

/** May they do it anywhere at all? */
export function isGiven(
  given: Pick<Entitlements, "groups" | "entitled">,
  who: string,
  deed: Deed,
): boolean {
  return grantsOf(given, who, deed).length > 0;
}

/**
 * Null where they may; else why not, in words.
 *
 * @param service null where nobody knows which it is: then only who may everywhere may
 */
export function whyNotEntitled(
  { groups, entitled, services }: Entitlements,
  who: string,
  deed: Deed,
  service: string | null,
): string | null {
  const team = services.find((row) => row.service === service)?.team ?? null;
  const own = grantsOf({ groups, entitled }, who, deed);
  if (own.length === 0) return `${who} is not entitled to ${deed}`;
  const covers = own.some(
    (grant) =>
      (grant.teams === undefined && grant.services === undefined) ||
      (team !== null && grant.teams?.includes(team) === true) ||
      (service !== null && grant.services?.includes(service) === true),
  );
  if (covers) return null;
  if (service === null) return `${who} is not entitled to ${deed} the whole fleet`;
  const of = team === null ? "of no team" : `of team ${team}`;
  return `${who} is not entitled to ${deed} for ${service}, ${of}`;
}
