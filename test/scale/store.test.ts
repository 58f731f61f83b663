/** A store believes nothing that is not whole, and goes on where it cannot write. */

import { readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Store } from "../../lab/scale/store.ts";
import { temporaryDirectory } from "../directories.ts";
import { NO_MOUNT, smallDisk } from "../smallDisk.ts";

const KEY = "ab".repeat(32);
const VALUE = { numbers: Float64Array.of(1, 2, 3), words: ["a", "b"] };

function packsIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".pack")).map((name) => join(dir, name));
}

describe("a store", () => {
  it("gives back what it was given, to whoever comes later", () => {
    const dir = temporaryDirectory();
    expect(new Store(dir).write(KEY, "one", ["x"], VALUE)).toBe(true);
    const later = new Store(dir);
    expect(later.list(KEY)).toEqual([{ name: "one", entries: ["x"] }]);
    expect(later.read(KEY, "one")).toEqual(VALUE);
    expect(later.read(KEY, "two")).toBeNull();
    expect(later.list("cd".repeat(32))).toEqual([]);
  });

  it("takes away a pack that is torn, altered, or says something else is in it", () => {
    const spoil: ((file: string, bytes: Buffer) => void)[] = [
      (file, bytes) => truncateSync(file, bytes.length - 1),
      (file) => truncateSync(file, 10),
      (file) => writeFileSync(file, ""),
      (file, bytes) => {
        bytes[bytes.length - 3]! ^= 1;
        writeFileSync(file, bytes);
      },
      (file, bytes) =>
        writeFileSync(file, bytes.toString("latin1").replace('["x"]', '["y"]'), "latin1"),
    ];
    for (const [at, one] of spoil.entries()) {
      const dir = temporaryDirectory();
      new Store(dir).write(KEY, "one", ["x"], VALUE);
      const [file] = packsIn(dir) as [string];
      one(file, readFileSync(file));
      const later = new Store(dir);
      const listed = later.list(KEY);
      expect(listed.length === 0 ? null : later.read(KEY, "one"), `spoilt ${at}`).toBeNull();
      expect(packsIn(dir)).toEqual([]);
      expect(later.use.damaged).toBe(1);
    }
  });

  it("evicts what was used longest ago, and nothing that this process lives by", () => {
    const dir = temporaryDirectory();
    const old = new Store(dir);
    for (const name of ["first", "second", "third"]) old.write(KEY, name, [name], VALUE);
    for (const file of packsIn(dir)) utimesSync(file, 1000, 1000);
    const bytes = readFileSync(packsIn(dir)[0]!).length;
    const store = new Store(dir, 2.5 * bytes);
    expect(store.read(KEY, "first")).toEqual(VALUE);
    utimesSync(
      packsIn(dir).find((file) => file.includes("third"))!,
      2000,
      2000,
    );
    expect(store.evict()).toBe(1);
    expect(store.list(KEY).map(({ name }) => name)).toEqual(["first", "third"]);
    expect(new Store(dir, 0).evict()).toBe(2);
  });

  it("says so on a full disk, leaves nothing half-written, and keeps what was there", (context) => {
    const disk = smallDisk(256);
    if (disk === null) return context.skip(NO_MOUNT);
    try {
      const store = new Store(disk.dir);
      const noise = Float64Array.from({ length: 12_000 }, (_, i) => Math.sin(i * i) * 1e9);
      expect(store.write(KEY, "one", ["x"], noise)).toBe(true);
      for (const name of ["two", "three", "four"]) store.write(KEY, name, ["y"], noise);
      expect(store.use.full).toMatch(/ENOSPC/);
      expect(store.list(KEY).every(({ name }) => store.read(KEY, name) !== null)).toBe(true);
      expect(store.use.damaged).toBe(0);
      expect(readdirSync(join(disk.dir, "v1", "unfinished"))).toEqual([]);
    } finally {
      disk.unmount();
    }
  });
});
