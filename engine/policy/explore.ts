/** How a policy says that it explores. */

import type { Condition } from "./policy.ts";

/** In a share of what the machine would do alone it waits instead (see decide/coin.ts). */
export interface Explore {
  /** Of a wait. */
  readonly probability: number;
  /** It waits only where the harm is at most so many times what is tolerated. */
  readonly upTo: number;
  /** How long it waits at most; never beyond the watch. */
  readonly delayMs: number;
  /** Null: every deployment. */
  readonly when: Condition | null;
  /** Another seed tosses other coins. */
  readonly seed: string;
}
