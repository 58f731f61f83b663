/**
 * A lease in a directory that all hosts share. Each holder has a file of its own,
 * `holder.<token>`; the highest token holds. A new one is made with O_EXCL, which one host
 * alone can, on a local disk and on NFS from version 3. A host that is not the holder takes
 * over when the file has not changed for a whole term by its own steady clock: the hosts'
 * clocks need not agree.
 */

import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LeaseStore } from "./lease.ts";

const FILE = /^holder\.(\d{1,15})$/;
const RELEASED = "released";

/** @param owner names this process, for whoever looks into the directory */
export function directoryLease(
  directory: string,
  owner: string,
  termMs: number,
  steadyMs: () => number,
): LeaseStore {
  let seen = { text: "", sinceMs: 0 };
  let beats = 0;
  const fileOf = (token: number): string => join(directory, `holder.${token}`);

  const highest = async (): Promise<number> => {
    await mkdir(directory, { recursive: true });
    const tokens = (await readdir(directory)).map((name) => Number(FILE.exec(name)?.[1] ?? 0));
    return Math.max(0, ...tokens);
  };
  const write = async (token: number, text: string): Promise<void> => {
    // Never half-written, and no reader sees it empty.
    const partial = join(directory, `.${owner}.partial`);
    const file = await open(partial, "w");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, fileOf(token));
  };
  /** The last words of a holder that was silent for a whole term, as far as we saw; or null. */
  const lastWords = async (token: number): Promise<string | null> => {
    if (token === 0) return "";
    const text = `${token} ${await readOrNone(fileOf(token))}`;
    if (text === `${token} ${RELEASED}`) return text;
    if (text !== seen.text) seen = { text, sinceMs: steadyMs() };
    return steadyMs() - seen.sinceMs >= termMs ? text : null;
  };

  return {
    take: async () => {
      const before = await highest();
      const words = await lastWords(before);
      if (words === null) return null;
      const token = before + 1;
      try {
        const file = await open(fileOf(token), "wx");
        await file.close();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
        throw error;
      }
      // It spoke again while we took its silence for its end: it may believe that it holds.
      if ((await lastWords(before)) !== words) {
        await rm(fileOf(token), { force: true });
        return null;
      }
      await write(token, `${owner} ${++beats}`);
      for (const name of await readdir(directory)) {
        const other = Number(FILE.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
        if (other < token) await rm(join(directory, name), { force: true });
      }
      return token;
    },
    renew: async (token) => {
      if ((await highest()) !== token) return false;
      await write(token, `${owner} ${++beats}`);
      return (await highest()) === token;
    },
    isOurs: async (token) => (await highest()) === token,
    release: async (token) => {
      if ((await highest()) === token) await write(token, RELEASED);
    },
    close: () => Promise.resolve(),
  };
}

/** A file that the next holder has just taken away is no file that fell silent. */
async function readOrNone(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "gone";
    throw error;
  }
}
