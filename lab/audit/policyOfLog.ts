/**
 * Makes a logged policy usable by today's engine.
 *
 * The policy language grows, so a log may lack keys that every policy has today. They get today's
 * defaults, as in a policy file that does not write them. Keys that the log has are never changed,
 * and neither is its digest.
 */

import { jsonObject, own, type JsonObject, type Policy } from "../../engine/index.ts";
import { policyFromText } from "../policy/load.ts";

/** A policy with one item in each list, and only the required keys: all others are defaults. */
const SILENT = `
policy: silent
owner: nobody
signals: { one: { metric: one, tolerance: 10% } }
assign: [{ otherwise: observe }]
modes: { one: { calendar: "Mon 09:00-10:00" } }
context: { one: {} }
`;

type Fields = JsonObject;

/** Lists whose items are completed from the only item in `SILENT`. */
const LISTS: readonly string[] = ["signals", "modes", "context"];
/** Objects that are completed key by key. */
const PARTS: readonly string[] = ["guardrails", "tiers", "evidence"];
const TIERS: readonly string[] = ["full", "override", "approve", "observe"];

/** @returns the completed policy, and the keys that were added */
export function withDefaults(logged: Policy): {
  readonly policy: Policy;
  readonly keys: readonly string[];
} {
  const keys: string[] = [];
  const fill = (place: string, given: Fields, silent: Fields): Fields => {
    const missing = Object.keys(silent).filter((key) => !Object.hasOwn(given, key));
    keys.push(...missing.map((key) => `${place}${key}`));
    return { ...silent, ...given };
  };
  const silent = policyFromText(SILENT, "(today's defaults)") as unknown as Fields;
  const filled = new Map(Object.entries(fill("", logged as unknown as Fields, silent)));
  for (const name of PARTS) {
    filled.set(name, fill(`${name}.`, filled.get(name) as Fields, own(silent, name) as Fields));
  }
  const tiers = new Map(Object.entries(filled.get("tiers") as JsonObject<Fields>));
  for (const name of TIERS) {
    const today = own(silent["tiers"] as JsonObject<Fields>, name)!;
    tiers.set(name, fill(`tiers.${name}.`, tiers.get(name)!, today));
  }
  filled.set("tiers", jsonObject(tiers));
  for (const name of LISTS) {
    const one = (own(silent, name) as readonly Fields[])[0]!;
    const items = filled.get(name) as readonly Fields[];
    filled.set(
      name,
      items.map((item) => fill(`${name}.`, item, one)),
    );
  }
  return { policy: jsonObject(filled) as unknown as Policy, keys: [...new Set(keys)] };
}
