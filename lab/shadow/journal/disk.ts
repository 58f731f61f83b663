/**
 * Every operation of the journal on a disk, so that a test can stop the host at any of them.
 *
 * Until `sync` returns, bytes that `append` wrote may be on disk, partly or not at all. A file
 * written by `place` is on disk as a whole or not at all.
 */

import {
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
  readonly close: () => void;
}

const UNFINISHED = ".unfinished";

/** @param makeSafe stands in for `fsync`: tests that do not crash need not wait for the disk */
export function realDisk(makeSafe: (handle: number) => void = fsyncSync): Disk {
  const handles = new Map<string, number>();
  const handleOf = (file: string): number => {
    let handle = handles.get(file);
    if (handle === undefined) handles.set(file, (handle = openSync(file, "a+")));
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
      mkdirSync(dir, { recursive: true });
      for (const name of readdirSync(dir)) {
        if (name.endsWith(UNFINISHED)) rmSync(join(dir, name));
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
        throw new Problem(`it has ${actual} bytes and not ${size}: somebody else wrote to it`, {
          file,
          cure: "Only one host may write a journal: look for a second one, and for its lease.",
        });
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
      const handle = openSync(file + UNFINISHED, "w");
      writeFileSync(handle, bytes);
      makeSafe(handle);
      closeSync(handle);
      renameSync(file + UNFINISHED, file);
      syncDirectory(dirname(file));
    },
    close: () => {
      for (const handle of handles.values()) closeSync(handle);
      handles.clear();
    },
  };
}
