/** The host's own metrics, in Prometheus' text format 0.0.4. */

import type { HostStatus } from "../contract.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const QUANTILES = [0.5, 0.9, 0.99];
const DURATIONS: Readonly<Record<keyof HostStatus["durations"], readonly [string, string]>> = {
  ingestionDelay: [
    "hindsight_ingestion_delay_seconds",
    "From when a sample was taken until the host knew it, the newest thousand.",
  ],
  decisionLatency: [
    "hindsight_decision_latency_seconds",
    "From the newest sample of a decision until it was journalled, the newest thousand.",
  ],
  poll: ["hindsight_poll_duration_seconds", "How long a poll took, the newest thousand."],
};

/**
 * @param refused how many deliveries were refused before they reached the host, by kind
 * @param commands how many attempts to send commands there were, by `kind status`
 */
export function metricsText(
  status: HostStatus,
  refused: ReadonlyMap<string, number>,
  commands: ReadonlyMap<string, number>,
): string {
  const lines: string[] = [];
  const family = (
    name: string,
    type: "counter" | "gauge" | "summary",
    help: string,
    values: readonly (readonly [string, number])[],
  ): void => {
    if (values.length === 0) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
  };
  const gauge = (name: string, help: string, value: number | null): void => {
    if (value !== null) family(`hindsight_${name}`, "gauge", help, [["", value]]);
  };
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  for (const [name, value] of Object.entries(status.counts).sort(byName)) {
    family(counterName(name), "counter", wordsOf(name), [["", value]]);
  }
  const kinds = [...refused].sort(byName);
  family(
    "hindsight_refused_requests_total",
    "counter",
    "Requests that were refused at the door, by kind.",
    kinds.map(([kind, count]) => [`{kind="${kind}"}`, count]),
  );
  family(
    "hindsight_commands_total",
    "counter",
    "Attempts to carry a command out, by its kind and what came of it (nobody: no receiver).",
    [...commands].sort(byName).map(([command, count]) => {
      const [kind, came] = command.split(" ");
      return [`{kind="${kind!}",came="${came!}"}`, count];
    }),
  );
  gauge("ready", "Is it ready to decide?", Number(status.ready));
  gauge("lease_held", "Does it hold the lease?", Number(status.holdsLease));
  gauge("act", "May it act, or does it only record?", Number(status.act));
  gauge("halted", "Was every machine halted?", Number(status.halted));
  gauge("open_watches", "Deployments that are watched or acted on.", status.open.length);
  gauge("source_problems", "What did not come at the last poll.", status.problems.length);
  gauge("clock_seconds", "The host's clock.", seconds(status.nowMs));
  gauge("last_poll_seconds", "When it last asked for samples.", seconds(status.lastPollAtMs));
  gauge("newest_sample_seconds", "The newest sample's time.", seconds(status.newestSampleAtMs));
  for (const [key, [name, help]] of Object.entries(DURATIONS)) {
    const sorted = [...status.durations[key as keyof typeof DURATIONS]].sort((a, b) => a - b);
    if (sorted.length === 0) continue;
    const at = (q: number): number => sorted[Math.ceil(q * sorted.length) - 1]! / 1000;
    const quantiles = QUANTILES.map((q) => [`{quantile="${q}"}`, at(q)] as const);
    family(name, "summary", help, quantiles);
  }
  return `${lines.join("\n")}\n`;
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}

/** `rollbacksOrdered` → `hindsight_rollbacks_ordered_total`. */
function counterName(name: string): string {
  return `hindsight_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_total`;
}

function wordsOf(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll("_", " ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}, since the process began.`;
}
