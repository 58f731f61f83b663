/**
 * What is being written: beside its place under a name that says who writes it, and renamed
 * into place when it is whole. A process that was killed cannot take away what it began, so the
 * next one does: the name tells it that nobody writes there any more.
 */

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** `.quarter.3f9a1c2b-4711-1764158400000.unfinished`: the place, the machine, the process, when. */
const BESIDE =
  /^\.(?<name>.+)\.(?<writer>[\da-f]{8}-\d+)-\d+\.unfinished(?:\.gone|(?<old>\.old))?$/;
/** `hindsight-scenario.3f9a1c2b-4711-Ab3dEf`, among the temporary files of the system. */
const TEMPORARY = /^hindsight-[a-z]+\.(?<writer>[\da-f]{8}-\d+)-\w{6}$/;

/** A process of another machine is taken for dead when it has written nothing for so long. */
const SILENT_MS = 86_400_000;

/** Process ids are told apart within one machine and one container only. */
const MACHINE = createHash("sha256").update(`${hostname()} ${processSpace()}`).digest("hex");

function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

const writer = (): string => `${MACHINE.slice(0, 8)}-${process.pid}`;

/** Where `target` is written until it is whole. */
export function unfinishedPath(target: string): string {
  return join(dirname(target), `.${basename(target)}.${writer()}-${Date.now()}.unfinished`);
}

/**
 * Renames what is whole into place; what stands there is replaced. One of the two is there at
 * every moment, or is put back by `takeAwayLeftBehind`.
 */
export function putInPlace(unfinished: string, target: string): void {
  if (!existsSync(target)) {
    renameSync(unfinished, target);
    return;
  }
  const old = `${unfinished}.old`;
  renameSync(target, old);
  try {
    renameSync(unfinished, target);
  } catch (error) {
    renameSync(old, target);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

/**
 * Takes an unfinished directory away while somebody may still write into it: DuckDB's threads do
 * not stop for a signal. Under another name they find it no more, so it is empty in the end.
 *
 * @throws the file system's own error; what is left is then for `takeAwayLeftBehind`
 */
export function takeAwayUnfinished(path: string): void {
  const gone = `${path}.gone`;
  try {
    renameSync(path, gone);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  rmSync(gone, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** A directory among the temporary files of the system; whoever makes it takes it away. */
export function makeTemporaryDirectory(what: string): string {
  const parent = tmpdir();
  takeAway(parent, TEMPORARY);
  return mkdtempSync(join(parent, `hindsight-${what}.${writer()}-`));
}

/** Takes away what killed processes left unfinished in `dir`, and puts back what they replaced. */
export function takeAwayLeftBehind(dir: string): void {
  takeAway(dir, BESIDE);
}

function takeAway(dir: string, form: RegExp): void {
  for (const found of namesIn(dir)) {
    const groups = form.exec(found)?.groups;
    if (groups === undefined) continue;
    const path = join(dir, found);
    try {
      if (!isLeftBehind(path, groups["writer"]!)) continue;
      const target = join(dir, groups["name"] ?? "");
      if (groups["old"] !== undefined && !existsSync(target)) renameSync(path, target);
      else rmSync(path, { recursive: true, force: true });
    } catch {
      // Somebody else's, or somebody else was faster: it is in nobody's way.
    }
  }
}

function isLeftBehind(path: string, writtenBy: string): boolean {
  const [machine, pid] = writtenBy.split("-") as [string, string];
  if (machine === MACHINE.slice(0, 8)) return !isRunning(Number(pid));
  return Date.now() - lastWrittenMs(path) > SILENT_MS;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function lastWrittenMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(
    stat.mtimeMs,
    ...readdirSync(path).map((name) => lastWrittenMs(join(path, name))),
  );
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
