/**
 * A lease says which of several hosts may write the journal and act. It is kept where all of
 * them look, is renewed while its holder lives, and falls to another when it was not renewed
 * for its whole term. Whoever let a term pass has lost it, whatever the store says later.
 *
 * What it cannot do: a process that stops between asking and acting may act after its lease
 * fell to another. The question before every action makes that window as short as the action
 * itself, and the receiver's memory of the idempotency key closes it.
 */

import { Problem } from "../../problem.ts";
import type { Clock, Lease } from "../contract.ts";

export interface KeptLease extends Lease {
  /** Asks the store as well: before anything that cannot be taken back. In doubt, no. */
  readonly confirmed: () => Promise<boolean>;
  /** Gives it back, so that another need not wait for its end. */
  readonly close: () => Promise<void>;
}

/** Where a lease is kept: a directory or Redis. Everything may throw; then nobody knows. */
export interface LeaseStore {
  /** Takes it if it is free; its token, which grows with every holder, or null. */
  readonly take: () => Promise<number | null>;
  /** Prolongs it; false where it is no longer ours. */
  readonly renew: (token: number) => Promise<boolean>;
  readonly isOurs: (token: number) => Promise<boolean>;
  readonly release: (token: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A holder that misses two renewals still has it at the third. */
const RENEWALS_A_TERM = 3;

export interface LeaseOptions {
  readonly termMs: number;
  readonly clock: Clock;
  /** Is told when it comes, goes, or the store cannot be asked. */
  readonly note: (what: string) => void;
}

interface Held {
  readonly token: number;
  /** By our own steady clock, counted from before the question. */
  readonly untilMs: number;
}

export function keepLease(store: LeaseStore, { termMs, clock, note }: LeaseOptions): KeptLease {
  const ended = new AbortController();
  const pauseMs = termMs / RENEWALS_A_TERM;
  let held: Held | null = null;
  let renewing: Promise<void> = Promise.resolve();
  let fault: string | null = null;

  const holds = (): boolean => held !== null && clock.steadyMs() < held.untilMs;
  /** What the store answers; null when it cannot be asked, which is said once. */
  const asked = async <Answer>(question: () => Promise<Answer>): Promise<Answer | null> => {
    try {
      const answer = await question();
      fault = null;
      return answer;
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (fault !== said) note(`the lease cannot be asked for: ${said}`);
      fault = said;
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
