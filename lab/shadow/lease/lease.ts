/**
 * A lease says which of several hosts may write the journal and act. It is kept in a store that all
 * hosts share. Its holder renews it; when it was not renewed for a whole term, another host may
 * take it. A holder that let a term pass has lost the lease, whatever the store says later.
 *
 * What it cannot do: a process that pauses between checking the lease and acting may act after
 * another host took the lease. The check before every action makes that window as short as the
 * action itself; a receiver that remembers idempotency keys closes it.
 */

import { Problem } from "../../problem.ts";
import type { Clock, Lease } from "../contract.ts";

export interface KeptLease extends Lease {
  /** Asks the store too, before an action that cannot be taken back. False when in doubt. */
  readonly confirmed: () => Promise<boolean>;
  /** Releases it, so that another host need not wait for the end of the term. */
  readonly close: () => Promise<void>;
}

/** Where a lease is kept: a directory or Redis. After a throw the state of the lease is unknown. */
export interface LeaseStore {
  /** Takes the lease if it is free. @returns a token that grows with every holder, or null */
  readonly take: () => Promise<number | null>;
  /** Prolongs it by a term. @returns false where this host no longer holds it */
  readonly renew: (token: number) => Promise<boolean>;
  readonly isOurs: (token: number) => Promise<boolean>;
  readonly release: (token: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** So a holder may miss two renewals and still keep the lease with the third. */
const RENEWALS_A_TERM = 3;

export interface LeaseOptions {
  readonly termMs: number;
  readonly clock: Clock;
  /** Logs that the lease was taken or lost, or that the store cannot be asked. */
  readonly note: (what: string) => void;
}

interface Held {
  readonly token: number;
  /** By our own steady clock; the term counts from before the store was asked. */
  readonly untilMs: number;
}

export function keepLease(store: LeaseStore, { termMs, clock, note }: LeaseOptions): KeptLease {
  const ended = new AbortController();
  const pauseMs = termMs / RENEWALS_A_TERM;
  let held: Held | null = null;
  let renewing: Promise<void> = Promise.resolve();
  let fault: string | null = null;

  const holds = (): boolean => held !== null && clock.steadyMs() < held.untilMs;
  /** What the store answers; null when it cannot be asked, which is logged once. */
  const asked = async <Answer>(question: () => Promise<Answer>): Promise<Answer | null> => {
    try {
      const answer = await question();
      fault = null;
      return answer;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (fault !== why) note(`the lease cannot be asked for: ${why}`);
      fault = why;
      return null;
    }
  };
  const renew = async (): Promise<void> => {
    while (held !== null && !ended.signal.aborted) {
      await clock.wait(pauseMs, ended.signal);
      if (ended.signal.aborted) return;
      const { token } = held;
      const askedAtMs = clock.steadyMs();
      const renewed = holds() ? await asked(() => store.renew(token)) : false;
      if (renewed === true) held = { token, untilMs: askedAtMs + termMs };
      if (renewed === false) {
        note(`lost the lease, token ${token}`);
        held = null;
      }
    }
  };
  return {
    holds,
    acquire: async (signal) => {
      let saidSo = false;
      while (!signal.aborted && !ended.signal.aborted) {
        const askedAtMs = clock.steadyMs();
        const token = await asked(store.take);
        if (token !== null) {
          held = { token, untilMs: askedAtMs + termMs };
          note(`holds the lease, token ${token}`);
          renewing = renew();
          return;
        }
        if (!saidSo && fault === null) note("another host holds the lease: standing by");
        saidSo = true;
        await clock.wait(pauseMs, signal);
      }
      throw new Problem("ended while another host held the lease");
    },
    confirmed: async () => {
      if (!holds()) return false;
      const { token } = held!;
      return (await asked(() => store.isOurs(token))) === true && holds();
    },
    close: async () => {
      ended.abort();
      await renewing;
      if (held !== null) {
        const { token } = held;
        held = null;
        await asked(() => store.release(token));
      }
      await store.close();
    },
  };
}
