/** Decides who may override, approve or halt: people or groups, for teams, services or all. */

import { own, type JsonObject } from "../../../engine/index.ts";
import type { ServiceRow } from "../../history/tables.ts";
import type { Deed, Grant } from "../config/shadowFile.ts";

export interface Entitlements {
  readonly groups: JsonObject<readonly string[]>;
  readonly entitled: readonly Grant[];
  readonly services: readonly ServiceRow[];
}

/** The grants that give `who` this deed, whatever services they cover. */
function grantsOf(
  { groups, entitled }: Pick<Entitlements, "groups" | "entitled">,
  who: string,
  deed: Deed,
): readonly Grant[] {
  return entitled.filter(
    (grant) =>
      grant.may.includes(deed) &&
      grant.who.some((name) => name === who || own(groups, name)?.includes(who) === true),
  );
}

/** May `who` do this for at least one service? */
export function isGiven(
  given: Pick<Entitlements, "groups" | "entitled">,
  who: string,
  deed: Deed,
): boolean {
  return grantsOf(given, who, deed).length > 0;
}

/**
 * @param service null: the whole fleet, which needs a grant without teams and services
 * @returns null where `who` may do it; else the reason why not
 */
export function whyNotEntitled(
  { groups, entitled, services }: Entitlements,
  who: string,
  deed: Deed,
  service: string | null,
): string | null {
  const team = services.find((row) => row.service === service)?.team ?? null;
  const grants = grantsOf({ groups, entitled }, who, deed);
  if (grants.length === 0) return `${who} is not entitled to ${deed}`;
  const covers = grants.some(
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
