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
  const all = address.all("limit");
  return all.length === 0 ? {} : { limits: all.join(",") };
}
