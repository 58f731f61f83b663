/**
 * Every operation of the journal on a disk, so that a test can stop the host at any of them.
 *
 * Until `sync` returns, bytes that `append` wrote may be on disk, partly or not at all. A file
 * written by `place` is on disk as a whole or not at all.
 */

import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Problem } from "../../problem.ts";

export interface Disk {
  /** Names in a directory, sorted; empty where there is no directory. */
  readonly list: (dir: string) => readonly string[];
  /** Creates a directory, and removes what an interrupted `place` left in it. */
  readonly own: (dir: string) => void;
  /** Bytes; 0 where there is no such file. */
  readonly size: (file: string) => number;
  readonly read: (file: string, from: number, bytes: number) => Uint8Array;
  /** @param size that the file must have before; another size means that somebody else wrote */
  readonly append: (file: string, bytes: Uint8Array, size: number) => void;
  readonly sync: (file: string) => void;
  readonly truncate: (file: string, size: number) => void;
  readonly place: (file: string, bytes: Uint8Array) => void;
  /** Removes a file, if it is there. */
  readonly remove: (file: string) => void;
  readonly close: () => void;
}

const UNFINISHED = ".unfinished";
/** The journal names people, and says how services fail: only the host's user may read it. */
const OWN_DIRECTORY = 0o700;
const OWN_FILE = 0o600;
const OWN_NAME = /^(decisions-\d{6}\.jsonl|samples-\d{6}\.bin|deliveries\.jsonl|high-water\.json)$/;

/** Older versions created these files readable by everybody. */
function makePrivate(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o077) !== 0) chmodSync(file, OWN_FILE);
}

/** @param makeSafe stands in for `fsync`: tests that do not crash need not wait for the disk */
export function realDisk(makeSafe: (handle: number) => void = fsyncSync): Disk {
  const handles = new Map<string, number>();
  const handleOf = (file: string): number => {
    let handle = handles.get(file);
    if (handle === undefined) handles.set(file, (handle = openSync(file, "a+", OWN_FILE)));
    return handle;
  };
  const syncDirectory = (dir: string): void => {
    const handle = openSync(dir, "r");
    makeSafe(handle);
    closeSync(handle);
  };
  return {
    list: (dir) => (existsSync(dir) ? readdirSync(dir).sort() : []),
    own: (dir) => {
      mkdirSync(dir, { recursive: true, mode: OWN_DIRECTORY });
      for (const name of readdirSync(dir)) {
        if (name.endsWith(UNFINISHED)) rmSync(join(dir, name));
        else if (OWN_NAME.test(name)) makePrivate(join(dir, name));
      }
    },
    size: (file) => (existsSync(file) ? fstatSync(handleOf(file)).size : 0),
    read: (file, from, bytes) => {
      const buffer = new Uint8Array(bytes);
      let read = 0;
      while (read < bytes) {
        const now = readSync(handleOf(file), buffer, read, bytes - read, from + read);
        if (now === 0) throw new Problem(`it ends before byte ${from + bytes}`, { file });
        read += now;
      }
      return buffer;
    },
    append: (file, bytes, size) => {
      const isNew = !existsSync(file);
      const handle = handleOf(file);
      const actual = fstatSync(handle).size;
      if (actual !== size) {
        throw new Problem(
          `it has ${actual} bytes instead of ${size}: another process wrote to it`,
          {
            file,
            cure: "Only one host may write a journal: look for a second one, and for its lease.",
          },
        );
      }
      writeFileSync(handle, bytes);
      if (isNew) syncDirectory(dirname(file));
    },
    sync: (file) => {
      makeSafe(handleOf(file));
    },
    truncate: (file, size) => {
      ftruncateSync(handleOf(file), size);
      makeSafe(handleOf(file));
    },
    place: (file, bytes) => {
      const handle = openSync(file + UNFINISHED, "w", OWN_FILE);
      writeFileSync(handle, bytes);
      makeSafe(handle);
      closeSync(handle);
      renameSync(file + UNFINISHED, file);
      const replaced = handles.get(file);
      handles.delete(file);
      if (replaced !== undefined) closeSync(replaced);
      syncDirectory(dirname(file));
    },
    remove: (file) => {
      const handle = handles.get(file);
      if (handle !== undefined) closeSync(handle);
      handles.delete(file);
      rmSync(file, { force: true });
    },
    close: () => {
      for (const handle of handles.values()) closeSync(handle);
      handles.clear();
    },
  };
}
