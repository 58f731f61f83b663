/**
 * A disk that stops the host at one of the things it does, and what is left of it then: of
 * what was not made safe any part, from nothing to all of it, may be there.
 */

import { existsSync, statSync, truncateSync } from "node:fs";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import { realDisk, type Disk } from "../../lab/shadow/journal/disk.ts";

export class Crash extends Error {
  override readonly name = "Crash";
}

/** Counts what the host does to the world, and stops it at one of them. */
export class Fuse {
  steps = 0;
  blown = false;

  constructor(readonly at: number) {}

  step(): void {
    if (this.blown) throw new Crash("it is not running any more");
    if (++this.steps < this.at) return;
    this.blown = true;
    throw new Crash(`stopped at step ${this.at}`);
  }
}

export interface CrashingDisk extends Disk {
  /** What is found on the disk afterwards. */
  readonly leave: () => void;
}

/** Nothing of it waits for a real disk. */
export function crashingDisk(fuse: Fuse, seed: number): CrashingDisk {
  const random: RandomStream = randomStream("crash", seed);
  const real = realDisk(() => undefined);
  const safe = new Map<string, number>();
  const part = (): number => [0, random.next(), 1][Math.floor(3 * random.next())]!;
  const stopIn = (work: () => void): void => {
    // A host that was stopped earlier, in a command, may still try: it writes nothing any more.
    const isOver = fuse.blown;
    try {
      fuse.step();
    } catch (error) {
      if (!isOver && random.next() < 0.5) work();
      throw error;
    }
  };
  return {
    ...real,
    append: (file, bytes, size) => {
      safe.set(file, safe.get(file) ?? size);
      stopIn(() => real.append(file, bytes.subarray(0, Math.floor(part() * bytes.length)), size));
      real.append(file, bytes, size);
    },
    sync: (file) => {
      stopIn(() => undefined);
      safe.delete(file);
    },
    truncate: (file, size) => {
      stopIn(() => real.truncate(file, size));
      real.truncate(file, size);
    },
    place: (file, bytes) => {
      stopIn(() => real.place(file, bytes));
      real.place(file, bytes);
    },
    remove: (file) => {
      stopIn(() => real.remove(file));
      real.remove(file);
    },
    leave: () => {
      real.close();
      for (const [file, size] of safe) {
        if (!existsSync(file)) continue;
        const written = statSync(file).size;
        truncateSync(file, size + Math.floor(part() * (written - size)));
      }
    },
  };
}
