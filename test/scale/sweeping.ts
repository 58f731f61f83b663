/** The sweep that these tests interrupt and share out, and what it says when nobody does. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hindsight, type Ended } from "../commandLine.ts";
import { policyFile, smallHistory } from "../history/smallWorld.ts";
import { madeOnce } from "../once.ts";

/** Words of the command; its units are small, so that there are many. */
export async function sweepWords(cache: string, ...more: string[]): Promise<string[]> {
  return [
    ...["sweep", "--history", await smallHistory()],
    ...["--policy", policyFile("two-minute-override")],
    ...["--vary", "signals.latency.tolerance=8%,12%"],
    ...["--vary", "tiers.override.window=60s..5m/12"],
    ...[
      "--draws",
      "1",
      "--replicates",
      "100",
      "--shard",
      "400",
      "--json",
      "--cache",
      cache,
      ...more,
    ],
  ];
}

/** The document of one process alone that keeps nothing; made once in a run. */
export async function sweptAlone(): Promise<string> {
  const made = await madeOnce(join(tmpdir(), "swept-alone"), async (dir) => {
    const ended = await hindsight(await sweepWords("off", "--workers", "1"));
    mkdirSync(dir);
    writeFileSync(join(dir, "sweep.json"), timeless(ended));
  });
  return readFileSync(join(made, "sweep.json"), "utf8");
}

/** All but the time it took. */
export function timeless({ stdout, stderr }: Ended): string {
  if (stdout === "") throw new Error(`nothing was printed: ${stderr}`);
  const document = JSON.parse(stdout) as { manifest: Record<string, unknown> };
  return JSON.stringify({ ...document, manifest: { ...document.manifest, timing: null } });
}

export function packsIn(dir: string): number {
  if (!existsSync(dir)) return 0;
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".pack")).length;
}
