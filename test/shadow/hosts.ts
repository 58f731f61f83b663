/** The HTTP layer's tests stand it on a host that notes what it is told, and a clock they set. */

import { pino } from "pino";
import type {
  Clock,
  Receipt,
  Host,
  HostStatus,
  HostInput,
  Standing,
} from "../../lab/shadow/contract.ts";

export const START_MS = Date.parse("2026-07-01T12:00:00Z");

export interface SetClock extends Clock {
  nowMs: number;
}

export function setClock(): SetClock {
  const clock: SetClock = {
    nowMs: START_MS,
    wallMs: () => clock.nowMs,
    steadyMs: () => clock.nowMs - START_MS,
    wait: () => Promise.resolve(),
  };
  return clock;
}

export interface NotingHost extends Host {
  readonly told: HostInput[];
  /** What the next are answered with. */
  answer: (told: HostInput) => Receipt;
  open: HostStatus["open"];
  /** Of the deployment that every question is about. */
  stands: Standing | null;
}

export function notingHost(clock: Clock): NotingHost {
  const host: NotingHost = {
    told: [],
    open: [],
    stands: null,
    standing: () => host.stands,
    answer: ({ kind }) => ({ accepted: true, decisionIds: [`${kind}#1`], reason: "heard" }),
    tell: (told) => {
      host.told.push(told);
      // What the answer throws rejects, as a host that cannot go on does.
      return Promise.resolve().then(() => host.answer(told));
    },
    status: () => ({
      ready: true,
      holdsLease: true,
      act: false,
      policy: { name: "two-minute", digest: "d".repeat(64) },
      halted: false,
      nowMs: clock.wallMs(),
      lastPollAtMs: START_MS - 5000,
      newestSampleAtMs: null,
      problems: ["latency_ms: answered 503"],
      open: host.open,
      counts: { polls: 3, rollbacksAsked: 1 },
      durations: { ingestionDelay: [1000, 3000, 2000], decisionLatency: [], poll: [40] },
    }),
  };
  return host;
}

export const silentLog = pino({ enabled: false });
