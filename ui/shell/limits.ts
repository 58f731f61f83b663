/** The limits of a change as the address has them: one `limit=missRate:2pp` for each. */

import { address } from "./address.svelte.ts";

/** By field; only those that are not the defaults. */
export function limitsAsked(): ReadonlyMap<string, string> {
  return new Map(
    address.all("limit").flatMap((one) => {
      const at = one.indexOf(":");
      return at < 0 ? [] : [[one.slice(0, at), one.slice(at + 1)] as const];
    }),
  );
}

/** As entries of the address. */
export function limitSettings(limits: ReadonlyMap<string, string>): readonly string[] | null {
  return limits.size === 0 ? null : [...limits].map(([field, text]) => `${field}:${text}`);
}

/** As a query of the server has them. */
export function limitsQuery(): { readonly limits?: string } {
  const text = limitsText();
  return text === "" ? {} : { limits: text };
}

/** `missRate:2pp,cost:off`; empty: the default budget. */
export function limitsText(): string {
  return address.all("limit").join(",");
}

/** The setting of the address that says the same as a text of limits. */
export function limitSettingsOf(text: string): readonly string[] | null {
  return text === "" ? null : text.split(",");
}

/** The name of the file that a page offers for `--budget`. */
export const BUDGET_FILE = "budget.yaml";

/** `--budget budget.yaml` where the limits are not the default ones. */
export function budgetWords(text: string): readonly string[] {
  return text === "" ? [] : ["--budget", BUDGET_FILE];
}
