/**
 * A lease in a directory that all hosts share. Each holder has its own file, `holder.<token>`; the
 * host with the highest token holds the lease and renews it by rewriting its file. Only one host
 * can create a file, because it is opened with O_EXCL (atomic on local disks and on NFS from
 * version 3). Another host takes over when the file has not changed for a whole term by that
 * host's own steady clock, so the hosts' clocks need not agree.
 */

import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LeaseStore } from "./lease.ts";

const FILE = /^holder\.(\d{1,15})$/;
const RELEASED = "released";

/** @param owner the name of this process, written into its file */
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
    // Written aside and renamed, so that no reader sees a partial file.
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
  /** The content of a holder's file if it has been unchanged for a whole term, or says released. */
  const lastWords = async (token: number): Promise<string | null> => {
    if (token === 0) return "";
    const text = `${token} ${await readOrNone(fileOf(token))}`;
    if (text === `${token} ${RELEASED}`) return text;
    if (text !== seen.text) seen = { text, sinceMs: steadyMs() };
    return steadyMs() - seen.sinceMs >= termMs ? text : null;
  };

  return {
    take: async () => {
      const holder = await highest();
      const words = await lastWords(holder);
      if (words === null) return null;
      const token = holder + 1;
      try {
        const file = await open(fileOf(token), "wx");
        await file.close();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
        throw error;
      }
      // The old holder renewed in the meantime, so it may still believe that it holds the lease.
      if ((await lastWords(holder)) !== words) {
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

/** A file that another host has just removed counts as changed, not as an error. */
async function readOrNone(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "gone";
    throw error;
  }
}
