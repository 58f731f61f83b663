/** Findings of incumbents as one sentence, for the reason of a record. */

import type { Finding, IncumbentKind } from "./incumbent.ts";

const TITLES: ReadonlyMap<IncumbentKind, string> = new Map([
  ["argo", "Argo Rollouts"],
  ["flagger", "Flagger"],
  ["kayenta", "Kayenta"],
  ["prometheus", "Prometheus"],
]);

export function systemTitle(system: IncumbentKind): string {
  return TITLES.get(system) ?? system;
}

/** `Argo Rollouts: failure limit exceeded (query success-rate, failed 1)`. */
export function findingText(system: IncumbentKind, { code, params }: Finding): string {
  const said = code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
  const details = Object.entries(params)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${value}`);
  const about = details.length === 0 ? "" : ` (${details.join(", ")})`;
  return `${systemTitle(system)}: ${said}${about}`;
}
