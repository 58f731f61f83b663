/**
 * `npm run bench`: how fast the main path is, as ratios within one run.
 *
 * Absolute times say more about the machine than about us, so everything is held
 * against something measured beside it: the replay against DuckDB's bare scan of the
 * same samples, itself on a tenth of them, many policies against one. Every measurement
 * is a process of its own, A and B take turns, and a ratio is the median over the pairs
 * with its range. On a busy machine read the ratios of processor time: whoever needs
 * longer loses more wall time to the neighbours.
 *
 * `-- --json` prints one document; `-- --samples N` changes the size of the large world.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { Table } from "console-table-printer";
import { onInterrupt } from "../../lab/cli/interrupt.ts";
import { note, print, printJson } from "../../lab/cli/output.ts";
import { Problem } from "../../lab/problem.ts";
import { servicesOf } from "./generated.ts";
import { measure, type Measured, type Part, type PolicyChoice } from "./parts.ts";
import { samplesOf, worldOf } from "./world.ts";

/** Pairs behind every ratio. */
const PAIRS = 3;
/** On disk: packed blocks, the long table, and room for the long table's sort. */
const BYTES_PER_SAMPLE = 20;

interface Ratio {
  readonly name: string;
  readonly what: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** What it should be at most; null where no aim is set. */
  readonly aim: number | null;
}

/** Measures a part in a process of its own. */
function inChild(part: Part, children: Set<ChildProcess>): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), "--part", JSON.stringify(part)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    children.add(child);
    let stdout = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      children.delete(child);
      if (code === 0) resolve(JSON.parse(stdout) as Measured);
      else reject(new Error(`${part.kind} failed with exit code ${code}`));
    });
  });
}

class Bench {
  readonly #children = new Set<ChildProcess>();
  readonly #root = mkdtempSync(join(tmpdir(), "hindsight-bench-"));
  readonly #forget = onInterrupt(() => this.#remove());
  readonly ratios: Ratio[] = [];
  readonly details: Record<string, unknown> = {};

  /** Writes a world of so many samples; returns where it is. */
  async write(samples: number, name: string): Promise<{ dir: string; written: Measured }> {
    const dir = join(this.#root, name);
    mkdirSync(dir);
    const world = worldOf(samples);
    note(`writing ${millions(samplesOf(world))} samples of ${world.services} services twice`);
    const written = await inChild({ kind: "write", dir, world }, this.#children);
    this.details[`write${name}`] = detailOf([written]);
    return { dir, written };
  }

  /** Generates the week of a world of about so many samples; then DuckDB writes the same. */
  async generateInTurns(samples: number): Promise<Record<"generate" | "rewrite", Measured[]>> {
    const services = servicesOf(samples);
    const dir = join(this.#root, `generated${services}`);
    mkdirSync(dir);
    const label = `${services} services`;
    const generate: Part = { kind: "generate", dir, services };
    const { samples: made } = await inChild(generate, this.#children);
    return this.inTurns({ generate, rewrite: { kind: "rewrite", dir, samples: made } }, label);
  }

  /** Measures parts in turns, `PAIRS` times; the results by name, in order. */
  async inTurns<Name extends string>(
    parts: Readonly<Record<Name, Part>>,
    label: string,
  ): Promise<Record<Name, Measured[]>> {
    const names = Object.keys(parts) as Name[];
    const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
      Name,
      Measured[]
    >;
    for (let turn = 1; turn <= PAIRS; turn++) {
      for (const name of names) {
        note(`${label}: ${name}, ${turn} of ${PAIRS}`);
        results[name].push(await inChild(parts[name], this.#children));
      }
    }
    for (const name of names) this.details[`${label}.${name}`] = detailOf(results[name]);
    return results;
  }

  /** Records the median of pairwise ratios, with their range. */
  readonly ratio = (
    name: string,
    what: string,
    above: readonly number[],
    below: readonly number[],
    aim: number | null = null,
  ): void => {
    const ratios = above.map((value, turn) => value / below[turn]!).sort((a, b) => a - b);
    const median = ratios[ratios.length >> 1]!;
    const [min, max] = [ratios[0]!, ratios.at(-1)!];
    this.ratios.push({ name, what, median, min, max, aim });
  };

  close(): void {
    this.#forget();
    this.#remove();
  }

  /** Refuses to begin what the disk cannot hold. */
  checkDisk(samples: number): void {
    const { bavail, bsize } = statfsSync(this.#root);
    const needed = samples * BYTES_PER_SAMPLE;
    if (bavail * bsize >= needed) return;
    throw new Problem(`the benchmark needs ${Math.ceil(needed / 1e9)} GB of disk`, {
      file: this.#root,
      cure: "Free some space, point TMPDIR elsewhere, or use a smaller --samples.",
    });
  }

  #remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

async function runAll(bench: Bench, samples: number): Promise<void> {
  bench.checkDisk(samples);
  const replayOf = (dir: string, policies: PolicyChoice): Part => ({
    kind: "replay",
    dir,
    policies,
  });
  const large = await bench.write(samples, "Large");
  const big = await bench.inTurns(
    { scan: { kind: "scan", dir: large.dir }, replay: replayOf(large.dir, "bench") },
    millions(samples),
  );
  const tenth = samples / 10;
  const small = await bench.write(tenth, "Small");
  const little = await bench.inTurns(
    {
      scan: { kind: "scan", dir: small.dir },
      inspect: { kind: "inspect", dir: small.dir },
      replay: replayOf(small.dir, "bench"),
    },
    millions(tenth),
  );
  // What takes many times as long is measured on less.
  const fortieth = samples / 40;
  const tiny = await bench.write(fortieth, "Tiny");
  const many = await bench.inTurns(
    {
      replay: replayOf(tiny.dir, "bench"),
      hundred: replayOf(tiny.dir, "hundred"),
      shipped: replayOf(tiny.dir, "shipped"),
      evaluate: { kind: "evaluate", dir: tiny.dir },
      sweep: { kind: "sweep", dir: tiny.dir },
    },
    millions(fortieth),
  );
  const made = await bench.generateInTurns(samples);
  const fewer = await bench.generateInTurns(tenth);
  const [m, t, f] = [millions(samples), millions(tenth), millions(fortieth)];
  const aims = { scan: 2, memory: 1.2, policies: 1.5, sweep: 2 };
  const { ratio } = bench;
  ratio("replayToScan", `replay over bare scan, ${m}`, each(big.replay), each(big.scan), aims.scan);
  ratio("replayToScanCpu", `the same in processor time`, cpus(big.replay), cpus(big.scan));
  ratio("replayToScanTenth", `replay over bare scan, ${t}`, each(little.replay), each(little.scan));
  ratio(
    "replayToScanTenthCpu",
    `the same in processor time`,
    cpus(little.replay),
    cpus(little.scan),
  );
  const [high, low] = [peaks(big.replay), peaks(little.replay)];
  ratio("memory100Mto10M", `peak memory of replay, ${m} over ${t}`, high, low, aims.memory);
  ratio("memoryToScan", `peak memory, replay over scan, ${m}`, high, peaks(big.scan));
  const [hundred, one] = [walls(many.hundred), walls(many.replay)];
  ratio("policies100To1", `100 policies over 1, ${f}`, hundred, one, aims.policies);
  const whole = many.evaluate.map(({ cpuMs }) => cpuMs);
  const sweeps = many.sweep.map(({ cpuMs }) => cpuMs);
  const what = `sweep of 200 policies over one replay, processor time, ${f}`;
  ratio("sweep200ToReplay", what, sweeps, whole, aims.sweep);
  ratio("season", `shipped policy with a season over bench.yaml, ${f}`, walls(many.shipped), one);
  ratio("inspectToScan", `inspect over bare scan, ${t}`, each(little.inspect), each(little.scan));
  const bare = `generating over DuckDB writing the same blocks, processor time, ${m}`;
  ratio("generateToWrite", bare, cpus(made.generate), cpus(made.rewrite));
  const flat = `peak memory of generating, ${m} over ${t}`;
  ratio("memoryGenerate", flat, peaks(made.generate), peaks(fewer.generate), aims.memory);
  ratio("writeToScan", `writing over bare scan, ${t}`, each([small.written]), each(little.scan));
}

const walls = (measured: readonly Measured[]): number[] => measured.map(({ ms }) => ms);
const peaks = (measured: readonly Measured[]): number[] => measured.map(({ peakMiB }) => peakMiB);
/** Time for one sample. */
const each = (measured: readonly Measured[]): number[] =>
  measured.map(({ ms, samples }) => ms / samples);

/** Processor time for one sample. */
const cpus = (measured: readonly Measured[]): number[] =>
  measured.map(({ cpuMs, samples }) => cpuMs / samples);

const millions = (samples: number): string => `${Number((samples / 1e6).toPrecision(3))}M`;

/** The auxiliary absolute numbers, for whoever profiles: medians over the turns. */
function detailOf(measured: readonly Measured[]): Record<string, number> {
  const median = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[values.length >> 1]!;
  const { samples, notes } = measured[0]!;
  return {
    samples,
    nsPerSample: tidy(median(each(measured)) * 1e6),
    cpuNsPerSample: tidy(median(cpus(measured)) * 1e6),
    peakMiB: tidy(Math.max(...peaks(measured))),
    ...Object.fromEntries(
      Object.keys(notes).map((key) => [key, tidy(median(measured.map((one) => one.notes[key]!)))]),
    ),
  };
}

const tidy = (value: number): number => Number(value.toPrecision(3));

function show(ratios: readonly Ratio[]): void {
  const table = new Table({
    columns: [
      { name: "ratio", alignment: "left" },
      { name: "median", alignment: "right" },
      { name: "range", alignment: "right" },
      { name: "aim", alignment: "right" },
      { name: "what", alignment: "left" },
    ],
    shouldDisableColors: true,
  });
  for (const { name, what, median, min, max, aim } of ratios) {
    table.addRow({
      ratio: name,
      median: median.toFixed(2),
      range: `${min.toFixed(2)}–${max.toFixed(2)}`,
      aim: aim === null ? "" : `≤ ${aim}`,
      what,
    });
  }
  print(table.render());
}

function parseSamples(text: string): number {
  const samples = Number(text);
  if (!Number.isSafeInteger(samples) || samples < 100_000) {
    throw new InvalidArgumentError("expected a whole number from 100000");
  }
  return samples;
}

async function main(flags: { json?: boolean; samples: number; part?: string }): Promise<void> {
  if (flags.part !== undefined) {
    printJson(await measure(JSON.parse(flags.part) as Part));
    return;
  }
  const bench = new Bench();
  try {
    await runAll(bench, flags.samples);
  } finally {
    bench.close();
  }
  if (flags.json !== true) {
    show(bench.ratios);
    return;
  }
  const byName = <Value>(valueOf: (ratio: Ratio) => Value): Record<string, Value> =>
    Object.fromEntries(bench.ratios.map((ratio) => [ratio.name, valueOf(ratio)]));
  printJson({
    ratios: byName(({ median }) => tidy(median)),
    ranges: byName(({ min, max }) => [tidy(min), tidy(max)]),
    aims: byName(({ aim }) => aim),
    details: bench.details,
  });
}

const program = new Command("bench")
  .description("Measure the main path; everything is a ratio within this run.")
  .option("--json", "print one JSON document")
  .option("--samples <n>", "size of the large world; the small one is a tenth", parseSamples, 1e8)
  .option("--part <json>", "measure one part in this process (for the benchmark itself)")
  .action(main);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  note(error.message);
  process.exitCode = 2;
}
