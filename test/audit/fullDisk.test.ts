/** A decision log on a full disk: whole, or an error that names the place. Never a part of it. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Deliveries } from "../../lab/shadow/http/deliveries.ts";
import { writeText } from "../../lab/audit/write.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { NO_MOUNT, smallDisk } from "../smallDisk.ts";

const POLICY = "scenarios/policies/naive-threshold.yaml";

describe("a full disk", () => {
  it("never leaves a part of a log that is called written", async (context) => {
    const history = join(temporaryDirectory(), "example");
    const imported = ["import", "csv", "datasets/example", "--out", history, "--timestamp", "end"];
    expect((await inTurn(imported)).code).toBe(0);
    const codes = new Set<number | null>();
    for (let kilobytes = 80; kilobytes <= 400; kilobytes += 40) {
      const disk = smallDisk(kilobytes);
      if (disk === null) return context.skip(NO_MOUNT);
      try {
        const run = join(disk.dir, "run");
        const asked = ["replay", "--history", history, "--policy", POLICY, "--out", run];
        const { code, stderr } = await inTurn(asked);
        codes.add(code);
        if (code === 0) {
          const log = join(run, "decisions.jsonl");
          expect((await inTurn(["audit", "verify", log])).code, `${kilobytes} KB`).toBe(0);
        } else {
          expect({ kilobytes, code, names: stderr.includes(disk.dir) }).toEqual({
            kilobytes,
            code: 2,
            names: true,
          });
          expect(readdirSync(disk.dir), `${kilobytes} KB`).toEqual([]);
        }
      } finally {
        disk.unmount();
      }
    }
    // The sizes span the size of the run, so both happened.
    expect([...codes].sort()).toEqual([0, 2]);
  });

  it("is an error of the write that does not fit", (context) => {
    const disk = smallDisk(80);
    if (disk === null) return context.skip(NO_MOUNT);
    try {
      const text = "x".repeat(50_000);
      expect(() => writeText(join(disk.dir, "log"), [text, text])).toThrow(/ENOSPC/);
    } finally {
      disk.unmount();
    }
  });

  it("tears no answer that comes after it", async (context) => {
    const disk = smallDisk(16);
    if (disk === null) return context.skip(NO_MOUNT);
    try {
      const file = join(disk.dir, "deliveries.jsonl");
      const answered = new Deliveries(file, 3_600_000, () => 0);
      const give = (key: string, bytes: number): Promise<unknown> =>
        answered.once(key, key, () => Promise.resolve({ status: 200, body: "x".repeat(bytes) }));
      await give("a", 100);
      await expect(give("b", 30_000)).rejects.toThrow(/ENOSPC/);
      answered.close();
      const again = new Deliveries(file, 3_600_000, () => 0);
      const known = await again.once("a", "a", () => Promise.reject(new Error("forgotten")));
      expect(known).toMatchObject({ status: 200 });
      again.close();
    } finally {
      disk.unmount();
    }
  });
});
