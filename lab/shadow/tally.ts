/** Counters and durations of the host since its process began. */

const KEPT = 1000;

const COUNTED = [
  "polls",
  "poll_problems",
  "samples_taken",
  "samples_repeated",
  "samples_future",
  "told",
  "refused",
  "decisions",
  "commands_asked",
  "commands_done",
  "commands_failed",
  "faults",
  "segments_begun",
] as const;

export type Counted = (typeof COUNTED)[number];
export type Timed = "ingestionDelay" | "decisionLatency" | "poll";

export class Tally {
  readonly counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>;
  readonly durations = { ingestionDelay: [], decisionLatency: [], poll: [] } as Record<
    Timed,
    number[]
  >;

  add(name: Counted, count = 1): void {
    this.counts[name] += count;
  }

  took(name: Timed, ms: number): void {
    const list = this.durations[name];
    list.push(ms);
    if (list.length > KEPT) list.shift();
  }
}
