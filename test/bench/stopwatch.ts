/** Wall and processor time of a stretch of work. */

export interface Stopped {
  readonly ms: number;
  /** Processor time of all threads over the same stretch. */
  readonly cpuMs: number;
  /** Samples that were read or written; for a replay those of every window. */
  readonly samples: number;
  readonly notes: Readonly<Record<string, number>>;
}

export function stopwatch(): () => Pick<Stopped, "ms" | "cpuMs"> {
  const began = performance.now();
  const used = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(used);
    return { ms: performance.now() - began, cpuMs: (user + system) / 1000 };
  };
}
