/** A file system so small that it is soon full: only root may mount one. */

import { execFileSync } from "node:child_process";
import { temporaryDirectory } from "./directories.ts";

export interface SmallDisk {
  readonly dir: string;
  readonly unmount: () => void;
}

/** @returns null where mounting is not permitted */
export function smallDisk(kilobytes: number): SmallDisk | null {
  const dir = temporaryDirectory();
  try {
    const options = ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", dir];
    execFileSync("mount", options, { stdio: "ignore" });
  } catch {
    return null;
  }
  return { dir, unmount: () => execFileSync("umount", [dir], { stdio: "ignore" }) };
}

export const NO_MOUNT = "mounting a tmpfs is not permitted here";
