/**
 * `--vary PATH=VALUES`: one dimension of a sweep.
 *
 *     tiers.override.window=1m,2m,5m        these
 *     signals.latency.hold=0s..120s/5       five, evenly from 0 s to 120 s
 *     signals.errors.tolerance=1pp..16pp/5log   five, evenly in the logarithm
 *     signals.latency.hold=1 samples,3 samples   in samples of the signal's own series
 *     signals.*.hold=0s..2m                 anything in between; with `--design sobol`
 */

import { formatDuration, formatSamples, parseDuration, parseSamples } from "../../engine/index.ts";
import { PATH_PARTS_AT_MOST, SWEPT_AT_MOST, VALUE_LIMITS } from "../limits.ts";
import { LimitProblem, Problem } from "../problem.ts";
import { yamlValue } from "../yaml.ts";

export interface Dimension {
  /** The path as given; `*` stands for every key at its place. */
  readonly path: string;
  /** The values in order; null where the range is continuous. */
  readonly values: readonly unknown[] | null;
  /** Are neighbours in `values` close to each other? Words of a list are not. */
  readonly ordered: boolean;
  /** The value at a share of the range, in [0, 1). */
  readonly at: (share: number) => unknown;
  /** A value in words, where it is too long to be shown as a policy file has it. */
  readonly say?: (value: unknown) => string;
}

/** A value of a dimension as it is shown. */
export function valueText({ say }: Pick<Dimension, "say">, value: unknown): string {
  if (say !== undefined) return say(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** How a kind of quantity is read and written. */
interface Unit {
  readonly read: (text: string) => number | null;
  readonly write: (value: number) => unknown;
}

const suffixed = (suffix: string): Unit => ({
  read: (text) => {
    const match = new RegExp(`^([+-]?\\d+(?:\\.\\d+)?)${suffix}$`).exec(text);
    return match === null ? null : Number(match[1]);
  },
  write: (value) => `${rounded(value)}${suffix}`,
});

const UNITS: readonly Unit[] = [
  {
    read: (text) => (/^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : null),
    write: rounded,
  },
  { read: parseDuration, write: durationText },
  { read: parseSamples, write: (count) => formatSamples(Math.round(count)) },
  suffixed("%"),
  suffixed("pp"),
];

/** Rounded to four digits, as a person would write it into a policy. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Whole seconds from one second on. */
function durationText(ms: number): string {
  return ms === 0 ? "0s" : formatDuration(ms < 1000 ? ms : Math.round(ms / 1000) * 1000);
}

/** @throws Problem that names the option and its cure */
export function parseDimension(text: string): Dimension {
  const equals = text.indexOf("=");
  const path = text.slice(0, equals).trim();
  const values = text.slice(equals + 1).trim();
  if (equals < 1 || values === "") {
    throw new Problem(`--vary ${text}: expected PATH=VALUES`, {
      cure: "For example --vary tiers.override.window=1m,2m,5m",
    });
  }
  if (path.split(".").length > PATH_PARTS_AT_MOST) {
    throw new LimitProblem(`--vary ${path}: more than ${PATH_PARTS_AT_MOST} parts`, {
      cure: "Name a place in the policy, such as tiers.override.window.",
    });
  }
  if (values.includes("..")) return rangeOf(path, values);
  const parts = splitList(values);
  if (parts.length > SWEPT_AT_MOST) {
    throw new LimitProblem(`--vary ${path}: at most ${SWEPT_AT_MOST} policies are swept`, {
      cure: "Give fewer values.",
    });
  }
  const list = parts.map((value) => readScalar(text, value));
  return {
    path,
    values: list,
    ordered: isAscending(list),
    at: (share) => list[Math.min(list.length - 1, Math.floor(share * list.length))],
  };
}

/** The parts of a list, cut at commas that are not within brackets. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const letter = text[at];
    if (letter === "[" || letter === "{") depth++;
    else if (letter === "]" || letter === "}") depth--;
    else if (letter === undefined || (letter === "," && depth === 0)) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return parts;
}

function readScalar(option: string, text: string): unknown {
  if (text === "") {
    throw new Problem(`--vary ${option}: a value is missing`, {
      cure: "Take the comma away, or write a value beside it.",
    });
  }
  try {
    return yamlValue(text, `--vary ${option}`, VALUE_LIMITS);
  } catch (error) {
    if (error instanceof LimitProblem || !(error instanceof Problem)) throw error;
    throw new Problem(`--vary ${option}: ${text} is not a YAML value`, {
      cure: 'Quote it as in a policy file, for example "a: b".',
    });
  }
}

function isAscending(list: readonly unknown[]): boolean {
  const sizes = list.map((value) =>
    typeof value === "string" || typeof value === "number"
      ? UNITS.reduce<number | null>((found, { read }) => found ?? read(String(value)), null)
      : null,
  );
  return sizes.every(
    (size, index) => size !== null && (index === 0 || size > (sizes[index - 1] ?? size)),
  );
}

function rangeOf(path: string, text: string): Dimension {
  const match = /^(.+?)\.\.(.+?)(?:\/(\d+)\s*(log)?)?(?:\s+(log))?$/.exec(text);
  const cure = "Write FROM..TO/COUNT, such as 0s..120s/5 or 1%..16%/5log.";
  const [, from, to, steps, log, lateLog] = match ?? [];
  const unit = UNITS.find(({ read }) => read(from ?? "") !== null && read(to ?? "") !== null);
  if (unit === undefined) {
    throw new Problem(`--vary ${path}=${text}: both ends must be of one kind`, { cure });
  }
  const low = unit.read(from!)!;
  const high = unit.read(to!)!;
  const isLog = log !== undefined || lateLog !== undefined;
  if (low >= high || (isLog && low <= 0)) {
    const why = low >= high ? "the first end must be smaller" : "a logarithm begins above 0";
    throw new Problem(`--vary ${path}=${text}: ${why}`, { cure });
  }
  const between = (share: number): unknown =>
    unit.write(isLog ? low * (high / low) ** share : low + share * (high - low));
  if (steps === undefined) return { path, values: null, ordered: true, at: between };
  const count = Number(steps);
  if (count < 2) throw new Problem(`--vary ${path}=${text}: at least two steps`, { cure });
  if (count > SWEPT_AT_MOST) {
    throw new LimitProblem(
      `--vary ${path}=${text}: at most ${SWEPT_AT_MOST} policies are swept, and so many steps`,
      { cure },
    );
  }
  const values = Array.from({ length: count }, (_, step) => between(step / (count - 1)));
  const at = (share: number): unknown => values[Math.min(count - 1, Math.floor(share * count))];
  return { path, values, ordered: true, at };
}
