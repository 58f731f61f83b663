/**
 * A store of results under keys made of their inputs: a directory of packs.
 *
 * Laws: a pack is complete or absent (written aside, synced, renamed) and never changed. It carries
 * its own digest and a list of its content, so an incomplete or altered one is deleted and made
 * again, never trusted. If the store cannot be written, the run goes on without it: a store saves
 * time and changes no result. Several processes, also on several machines, may share a store.
 */

import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { onInterrupt } from "../interrupt.ts";
import { makeDirectories } from "../directory.ts";
import { pack, unpack } from "./graph.ts";

/** Part of every key; raise it when the format of packs or the cut into shards changes. */
export const STORE_FORMAT = 1;
const SUFFIX = ".pack";
/** The first line of a pack; its body follows. */
interface Label {
  readonly format: number;
  readonly sha256: string;
  readonly bytes: number;
  /** The names of its contents. */
  readonly entries: readonly string[];
}

export interface Pack {
  readonly name: string;
  readonly entries: readonly string[];
}

/** What was done with a store, for messages. */
export interface StoreUse {
  found: number;
  made: number;
  /** Packs that did not match their label and were deleted. */
  damaged: number;
  /** Why nothing more is written; null while packs are written. */
  full: string | null;
}

export class Store {
  readonly use: StoreUse = { found: 0, made: 0, damaged: 0, full: null };
  readonly #sinceMs = Date.now();
  /** Packs that this process read or wrote: they are not evicted. */
  readonly #mine = new Set<string>();

  constructor(
    readonly dir: string,
    readonly limitBytes = Number.POSITIVE_INFINITY,
  ) {}

  /** The packs under a key; reads only their labels. */
  list(key: string): readonly Pack[] {
    const dir = this.#dirOf(key);
    return namesIn(dir)
      .filter((name) => name.endsWith(SUFFIX))
      .sort()
      .flatMap((file): Pack[] => {
        const label = labelOf(join(dir, file));
        if (label === null) this.#takeAway(join(dir, file));
        return label === null
          ? []
          : [{ name: file.slice(0, -SUFFIX.length), entries: label.entries }];
      });
  }

  /** The content of a pack; null where it is missing or damaged. A damaged pack is deleted. */
  read(key: string, name: string): unknown {
    const file = this.#fileOf(key, name);
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch {
      return null;
    }
    const end = bytes.indexOf(10);
    const label = end < 0 ? null : parseLabel(bytes.toString("utf8", 0, end));
    const body = bytes.subarray(end + 1);
    if (label?.bytes !== body.length || label.sha256 !== digestOf(label.entries, body)) {
      this.#takeAway(file);
      return null;
    }
    this.#mine.add(file);
    this.#noteUse(file);
    return unpack(body);
  }

  /** Sets the time of last use; counts packs that are older than this process as found. */
  #noteUse(file: string): void {
    const { mtimeMs = Infinity } = statSync(file, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs > this.#sinceMs) return;
    this.use.found++;
    const now = new Date();
    try {
      utimesSync(file, now, now);
    } catch {
      // A read-only store keeps no time of last use.
    }
  }

  /** Writes a pack. @returns false where it cannot be written; then no more packs are written */
  write(key: string, name: string, entries: readonly string[], value: unknown): boolean {
    if (this.use.full !== null) return false;
    const body = pack(value);
    const sha256 = digestOf(entries, body);
    const label: Label = { format: STORE_FORMAT, sha256, bytes: body.length, entries };
    const file = this.#fileOf(key, name);
    const temporary = join(this.#unfinished, `${process.pid}-${key.slice(0, 16)}-${name}`);
    const forget = onInterrupt(() => rmSync(temporary, { force: true }));
    try {
      makeDirectories(this.#dirOf(key));
      makeDirectories(this.#unfinished);
      writeSynced(temporary, Buffer.concat([Buffer.from(`${JSON.stringify(label)}\n`), body]));
      renameSync(temporary, file);
      this.#mine.add(file);
      this.use.made++;
      return true;
    } catch (error) {
      forgotten(temporary);
      this.use.full = error instanceof Error ? error.message : String(error);
      return false;
    } finally {
      forget();
    }
  }

  /** Deletes unfinished packs of a process that has ended. */
  sweepUp(pid: number): void {
    for (const name of namesIn(this.#unfinished)) {
      if (name.startsWith(`${pid}-`)) rmSync(join(this.#unfinished, name), { force: true });
    }
  }

  /** Deletes the least recently used packs until the rest is within the limit. @returns how many */
  evict(): number {
    for (const name of namesIn(this.#unfinished)) {
      const file = join(this.#unfinished, name);
      const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity };
      if (Date.now() - mtimeMs > LEFT_BEHIND_MS) rmSync(file, { force: true });
    }
    if (!Number.isFinite(this.limitBytes)) return 0;
    const packs = packsIn(this.dir);
    let total = packs.reduce((sum, { bytes }) => sum + bytes, 0);
    let evicted = 0;
    for (const { file, bytes } of packs.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (total <= this.limitBytes) break;
      if (this.#mine.has(file)) continue;
      rmSync(file, { force: true });
      total -= bytes;
      evicted++;
    }
    return evicted;
  }

  get #unfinished(): string {
    return join(this.dir, `v${STORE_FORMAT}`, "unfinished");
  }

  #takeAway(file: string): void {
    rmSync(file, { force: true });
    this.use.damaged++;
  }

  #dirOf(key: string): string {
    return join(this.dir, `v${STORE_FORMAT}`, key.slice(0, 2), key);
  }

  #fileOf(key: string, name: string): string {
    return join(this.#dirOf(key), `${name}${SUFFIX}`);
  }
}

/** Unfinished packs of a killed process are deleted after a day. */
const LEFT_BEHIND_MS = 86_400_000;

/** Deletes a file that may not exist. */
function forgotten(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // A part of its path is a file.
  }
}

function namesIn(dir: string, recursive = false): string[] {
  try {
    return readdirSync(dir, { recursive, encoding: "utf8" });
  } catch {
    return [];
  }
}

function packsIn(dir: string): { file: string; bytes: number; usedAtMs: number }[] {
  return namesIn(dir, true).flatMap((name) => {
    if (!name.endsWith(SUFFIX)) return [];
    const file = join(dir, name);
    // Another process may have deleted it.
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? [] : [{ file, bytes: found.size, usedAtMs: found.mtimeMs }];
  });
}

function digestOf(entries: readonly string[], body: Uint8Array): string {
  return createHash("sha256").update(JSON.stringify(entries)).update(body).digest("hex");
}

function writeSynced(file: string, bytes: Uint8Array): void {
  const descriptor = openSync(file, "w");
  try {
    writeFileSync(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads only the first line; null where it is not a label. */
function labelOf(file: string): Label | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return null;
  }
  try {
    let text = "";
    for (let at = 0; ;) {
      const part = Buffer.alloc(8192);
      const read = readSync(descriptor, part, 0, part.length, at);
      if (read === 0) return null;
      const end = part.subarray(0, read).indexOf(10);
      text += part.toString("latin1", 0, end < 0 ? read : end);
      if (end >= 0) return parseLabel(text);
      at += read;
    }
  } finally {
    closeSync(descriptor);
  }
}

function parseLabel(line: string): Label | null {
  try {
    const label = JSON.parse(line) as Partial<Label> | null;
    const { format, sha256, bytes, entries } = label ?? {};
    if (format !== STORE_FORMAT || typeof sha256 !== "string") return null;
    if (typeof bytes !== "number" || !Array.isArray(entries)) return null;
    return { format, sha256, bytes, entries: entries.map(String) };
  } catch {
    return null;
  }
}
