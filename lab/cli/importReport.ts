/** What all kinds of `hindsight import` have in common: options, and what they say at the end. */

import { InvalidArgumentError, Option, type Command } from "commander";
import { isTimeZone } from "../../engine/index.ts";
import type { ImportOptions, ImportSummary } from "../history/import/importHistory.ts";
import { Zone } from "../history/import/zone.ts";
import type { Dropped } from "../history/tables.ts";
import { note, print, printJson, PROGRAM, spanText } from "./output.ts";
import { counted, countText } from "../counted.ts";

/** What every import is told. */
export interface ImportFlags {
  readonly out: string;
  readonly strict?: boolean;
  readonly timestamp?: "start" | "end";
  readonly timezone?: Zone;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function importOptions(command: Command): Command {
  return command
    .requiredOption("--out <dir>", "where the history goes")
    .option("--strict", "fail when anything would be left out")
    .option("--force", "replace a history that is there already")
    .option("--json", "print one JSON document");
}

/** For tables whose times may mark the start of a bucket. */
export function timestampOption(): Option {
  return new Option("--timestamp <edge>", "what a bucketed time marks (default: start)").choices([
    "start",
    "end",
  ]);
}

/** For tables whose times may name no zone. */
export function timezoneOption(): Option {
  return new Option(
    "--timezone <zone>",
    "of times that name none, such as Europe/Berlin or UTC (default: they are an error)",
  ).argParser((name: string) => {
    if (!isTimeZone(name)) {
      throw new InvalidArgumentError("expected an IANA name such as Europe/Berlin");
    }
    return new Zone(name);
  });
}

export function importOptionsOf(flags: ImportFlags): ImportOptions {
  return {
    out: flags.out,
    force: flags.force ?? false,
    strict: flags.strict ?? false,
    timestamp: flags.timestamp ?? null,
  };
}

export function report(summary: ImportSummary, flags: ImportFlags): void {
  const { manifest, deployments } = summary;
  if (flags.json === true) {
    printJson({
      out: flags.out,
      samples: manifest.samples,
      missingSamples: manifest.missingSamples,
      series: manifest.seriesCount,
      from: manifest.from,
      to: manifest.to,
      deployments,
      incidents: manifest.rows.incidents,
      decisions: manifest.rows.decisions,
      tags: manifest.rows.tags,
      services: manifest.rows.services,
      dropped: manifest.dropped,
      warnings: manifest.warnings,
      digest: manifest.digest,
    });
    return;
  }
  const lines: [string, string][] = [
    ["samples", countText(manifest.samples)],
    ["missing samples", countText(manifest.missingSamples)],
    ["series", countText(manifest.seriesCount)],
    ["time", spanText(manifest.from, manifest.to)],
    ["deployments", describeDeployments(deployments)],
    ["incidents", countText(manifest.rows.incidents)],
    ["tags", countText(manifest.rows.tags)],
    ["decisions", countText(manifest.rows.decisions)],
    ["services described", countText(manifest.rows.services)],
    ["digest", manifest.digest],
  ];
  for (const [name, value] of lines) print(`${`${name}:`.padEnd(20)}${value}`);
  for (const text of describeLosses(manifest)) note(text);
  note(`Written to ${flags.out}. Look inside with: ${PROGRAM} inspect ${flags.out}`);
}

/** `45 (14 regression, 31 benign)`. */
export function describeDeployments({ total, ...labels }: ImportSummary["deployments"]): string {
  const parts = Object.entries(labels)
    .filter(([, count]) => count > 0)
    .map(([label, count]) => `${countText(count)} ${label}`);
  return parts.length === 0 ? countText(total) : `${countText(total)} (${parts.join(", ")})`;
}

/** What was left out and what is doubtful, a line each. */
export function describeLosses(manifest: {
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
}): string[] {
  return [
    ...manifest.dropped.map(
      ({ table, reason, rows, examples }) =>
        `left out: ${table}: ${counted(rows, "row")}: ${reason}` +
        (examples.length > 0 ? ` (${examples.join("; ")})` : ""),
    ),
    ...manifest.warnings.map((warning) => `note: ${warning}`),
  ];
}
