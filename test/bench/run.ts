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
 * `-- --json` prints one document; `-- --samples N` changes the size of the large world;
 * `-- --record FILE` keeps what was measured and `-- --check FILE` fails where a ratio is worse
 * than what was kept by more than this run's own noise.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { onInterrupt } from "../../lab/interrupt.ts";
import { note, printJson } from "../../lab/cli/output.ts";
import { Problem } from "../../lab/problem.ts";
import { servicesOf } from "./generated.ts";
import { measure, type Measured, type Part, type PolicyChoice } from "./parts.ts";
import { compared, readRecord, showRatios, writeRecord, type Ratio } from "./ratios.ts";
import { sourcePath } from "./sourcePath.ts";
import { COVERED, samplesOf, worldOf } from "./world.ts";

const RECORDED = sourcePath("test/bench/recorded.json");

/** Pairs behind every ratio. */
const PAIRS = 3;
/** On disk: packed blocks, the long table, and room for the long table's sort. */
const BYTES_PER_SAMPLE = 20;

/** Measures a part in a process of its own. */
function inChild(part: Part, children: Set<ChildProcess>): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, process.argv[1]!, "--part", JSON.stringify(part)],
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
  async write(
    samples: number,
    name: string,
    everyMs: number = COVERED.whole,
  ): Promise<{ dir: string; written: Measured }> {
    const dir = join(this.#root, name);
    mkdirSync(dir);
    const world = worldOf(samples, everyMs);
    note(`writing ${millions(samplesOf(world))} samples of ${world.services} services twice`);
    const written = await inChild({ kind: "write", dir, world }, this.#children);
    this.details[`write${name}`] = detailOf([written]);
    return { dir, written };
  }

  /** Generates the week of a world of about so many samples; then DuckDB writes the same. */
  async generateInTurns(samples: number): Promise<Record<"generate" | "rewrite", Measured[]>> {
    const services = servicesOf(samples);
    const dir = join(this.#root, `generated${millions(samples)}`);
    mkdirSync(dir);
    const label = `${services} services`;
    const generate: Part = { kind: "generate", dir, services };
    const { samples: made } = await inChild(generate, this.#children);
    return this.inTurns({ generate, rewrite: { kind: "rewrite", dir, samples: made } }, label);
  }

  /** Asks once what is to be asked again: whoever asks again is another process. */
  async once(part: Part): Promise<void> {
    await inChild(part, this.#children);
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
    aim: Ratio["aim"] = null,
  ): void => {
    const ratios = above.map((value, turn) => value / below[turn]!).sort((a, b) => a - b);
    const median = ratios[ratios.length >> 1]!;
    const [min, max] = [ratios[0]!, ratios.at(-1)!];
    this.ratios.push({ name, what, median, min, max, aim });
  };

  /** The same in wall time and in processor time; the second is the one to believe. */
  readonly inTimeAndCpu = (
    name: string,
    what: string,
    above: readonly Measured[],
    below: readonly Measured[],
    aim: Ratio["aim"] = null,
  ): void => {
    this.ratio(name, what, walls(above), walls(below), aim);
    this.ratio(`${name}Cpu`, "the same in processor time", cpus(above), cpus(below), aim);
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
  bench.checkDisk(2 * samples);
  const { ratio, inTimeAndCpu } = bench;
  const [tenth, fortieth] = [samples / 10, samples / 40];
  const [m, t, f] = [millions(samples), millions(tenth), millions(fortieth)];
  const replayOf = (dir: string, policies: PolicyChoice): Part => ({
    kind: "replay",
    dir,
    policies,
  });
  const { dir } = await bench.write(samples, "Large");
  const fifth = await bench.write(samples, "Fifth", COVERED.fifth);
  const big = await bench.inTurns(
    {
      scan: { kind: "scan", dir },
      replay: replayOf(dir, "bench"),
      document: { kind: "document", dir },
      fifth: replayOf(fifth.dir, "bench"),
      rule: { kind: "rule", dir },
      sql: { kind: "sql", dir },
      hundred: replayOf(dir, "hundred"),
    },
    m,
  );
  inTimeAndCpu("replayToScanAllBlocks", `replay over bare scan, ${m}`, big.replay, big.scan, {
    atMost: 2,
  });
  const part = `replay whose windows cover a fifth over bare scan of all, ${m}`;
  inTimeAndCpu("replayToScanFifth", part, big.fifth, big.scan, { atMost: 0.5 });
  const whole = `with every number of every outcome, over bare scan, ${m}`;
  inTimeAndCpu("documentToScan", whole, big.document, big.scan);
  const rule = `3 of 5 as SQL windows over ours, same deployments flagged, ${m}`;
  inTimeAndCpu("sqlToReplay", rule, big.sql, big.rule, { atLeast: 5 });
  inTimeAndCpu("policies100To1", `100 policies over 1, ${m}`, big.hundred, big.replay, {
    atMost: 1.5,
  });

  const small = await bench.write(tenth, "Small");
  await bench.once({ kind: "evaluate", dir: small.dir, asked: "again" });
  const little = await bench.inTurns(
    {
      scan: { kind: "scan", dir: small.dir },
      inspect: { kind: "inspect", dir: small.dir },
      replay: replayOf(small.dir, "bench"),
      shipped: replayOf(small.dir, "shipped"),
      cold: { kind: "evaluate", dir: small.dir },
      again: { kind: "evaluate", dir: small.dir, asked: "again" },
      otherwise: { kind: "evaluate", dir: small.dir, asked: "otherwise" },
      shared: { kind: "evaluate", dir: small.dir, workers: 2 },
    },
    t,
  );
  const peak = `peak memory of replay, ${m} over ${t}`;
  ratio("memory10xTo1x", peak, peaks(big.replay), peaks(little.replay), { atMost: 1.2 });
  ratio("memoryToScan", `peak memory, replay over scan, ${m}`, peaks(big.replay), peaks(big.scan));
  inTimeAndCpu("replayToScanTenth", `replay over bare scan, ${t}`, little.replay, little.scan);
  const again = `a replay and its scores asked again word for word, over the first time, ${t}`;
  inTimeAndCpu("cachedToCold", again, little.again, little.cold, { atMost: 0.1 });
  const otherwise = `the same with another override window than was asked before, ${t}`;
  inTimeAndCpu("askedOtherwiseToCold", otherwise, little.otherwise, little.cold);
  const shared = `the same by 2 processes over one, wall time, ${t}`;
  ratio("workers2To1", shared, walls(little.shared), walls(little.cold));
  const season = `the shipped policy, with a season, over bare scan, ${t}`;
  inTimeAndCpu("replayToScanDefault", season, little.shipped, little.scan);

  // What takes many times as long is measured on less.
  const tiny = await bench.write(fortieth, "Tiny");
  await bench.once({ kind: "sweep", dir: tiny.dir, asked: "again" });
  const many = await bench.inTurns(
    {
      evaluate: { kind: "evaluate", dir: tiny.dir },
      sweep: { kind: "sweep", dir: tiny.dir },
      sweepAgain: { kind: "sweep", dir: tiny.dir, asked: "again" },
    },
    f,
  );
  const swept = `sweep of 200 policies over one replay, processor time, ${f}`;
  ratio("sweep200ToReplay", swept, cpus(many.sweep), cpus(many.evaluate), { atMost: 2 });
  const sweptAgain = `that sweep asked again word for word, over the first time, ${f}`;
  inTimeAndCpu("sweepAgainToSweep", sweptAgain, many.sweepAgain, many.sweep);
  ratio("inspectToScan", `inspect over bare scan, ${t}`, walls(little.inspect), walls(little.scan));

  const made = await bench.generateInTurns(samples);
  const fewer = await bench.generateInTurns(tenth);
  const bare = `generating over DuckDB writing the same blocks, processor time, ${m}`;
  ratio("generateToWrite", bare, cpus(made.generate), cpus(made.rewrite));
  const flat = `peak memory of generating, ${m} over ${t}`;
  ratio("memoryGenerate", flat, peaks(made.generate), peaks(fewer.generate), { atMost: 1.2 });
  ratio("writeToScan", `writing over bare scan, ${t}`, walls([small.written]), walls(little.scan));
}

const walls = (measured: readonly Measured[]): number[] => measured.map(({ ms }) => ms);
const peaks = (measured: readonly Measured[]): number[] => measured.map(({ peakMiB }) => peakMiB);
const cpus = (measured: readonly Measured[]): number[] => measured.map(({ cpuMs }) => cpuMs);

const millions = (samples: number): string => `${Number((samples / 1e6).toPrecision(3))}M`;

/** The auxiliary absolute numbers, for whoever profiles: medians over the turns. */
function detailOf(measured: readonly Measured[]): Record<string, number> {
  const median = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[values.length >> 1]!;
  const { samples, notes } = measured[0]!;
  return {
    samples,
    nsPerSample: tidy((median(walls(measured)) * 1e6) / samples),
    cpuNsPerSample: tidy((median(cpus(measured)) * 1e6) / samples),
    peakMiB: tidy(Math.max(...peaks(measured))),
    ...Object.fromEntries(
      Object.keys(notes).map((key) => [key, tidy(median(measured.map((one) => one.notes[key]!)))]),
    ),
  };
}

const tidy = (value: number): number => Number(value.toPrecision(3));

function parseSamples(text: string): number {
  const samples = Number(text);
  if (!Number.isSafeInteger(samples) || samples < 100_000) {
    throw new InvalidArgumentError("expected a whole number from 100000");
  }
  return samples;
}

interface Flags {
  readonly json?: boolean;
  readonly samples: number;
  readonly part?: string;
  readonly record?: string;
  readonly check?: string | true;
}

async function main(flags: Flags): Promise<void> {
  if (flags.part !== undefined) {
    printJson(await measure(JSON.parse(flags.part) as Part));
    return;
  }
  const { samples, record } = flags;
  const file = flags.check === true ? RECORDED : flags.check;
  const before = file === undefined ? null : readRecord(file, samples);
  const bench = new Bench();
  try {
    await runAll(bench, samples);
  } finally {
    bench.close();
  }
  const { ratios, details } = bench;
  if (record !== undefined) writeRecord(record, samples, ratios);
  const worse = before === null ? [] : compared(ratios, before);
  for (const line of worse) note(line);
  if (worse.length > 0) process.exitCode = 1;
  if (flags.json !== true) {
    showRatios(ratios);
    return;
  }
  const byName = <Value>(valueOf: (ratio: Ratio) => Value): Record<string, Value> =>
    Object.fromEntries(ratios.map((ratio) => [ratio.name, valueOf(ratio)]));
  printJson({
    samples,
    ratios: byName(({ median }) => tidy(median)),
    ranges: byName(({ min, max }) => [tidy(min), tidy(max)]),
    aims: byName(({ aim }) => aim),
    details,
    ...(before === null ? {} : { worse }),
  });
}

const program = new Command("bench")
  .description("Measure the main path; everything is a ratio within this run.")
  .option("--json", "print one JSON document")
  .option("--samples <n>", "size of the large world; the small one is a tenth", parseSamples, 1e8)
  .option("--record <file>", "keep the ratios of this run in a file")
  .option("--check [file]", "fail where a ratio is worse than what was kept, beyond the noise")
  .option("--part <json>", "measure one part in this process (for the benchmark itself)")
  .action(main);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  note(error.message);
  process.exitCode = 2;
}
