/** Ctrl-C while a file is being written, and after. */

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { builtFile } from "./built.ts";
import { temporaryDirectory } from "./directories.ts";

const INTERRUPT = pathToFileURL(builtFile("lab/interrupt.ts")).href;

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/**
 * Runs `code`, which says when it may be interrupted and then hears of nothing until `gone` is
 * there: a signal comes in the middle of what it does.
 */
async function interrupted(code: string): Promise<End> {
  const gone = join(temporaryDirectory(), "gone");
  const words = `
    import { existsSync } from "node:fs";
    import { onInterrupt } from ${JSON.stringify(INTERRUPT)};
    const isBusy = () => {
      process.stdout.write("now");
      while (!existsSync(${JSON.stringify(gone)}));
    };
    ${code}
    setTimeout(() => process.exit(0), 2_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", words]);
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  child.stdout.once("data", () => {
    child.kill("SIGINT");
    writeFileSync(gone, "");
  });
  return new Promise((resolve) => {
    child.on("close", (exit, signal) => resolve({ code: exit, signal, stderr }));
  });
}

it("a signal that comes while something is written without a pause is not lost", async () => {
  const end = await interrupted("const whole = onInterrupt(() => {}); isBusy(); whole();");
  expect(end).toMatchObject({ code: 130, signal: null });
  expect(end.stderr).toContain("nothing half-written was left behind");
});

it("once all is written a signal ends the process at once, as any other", async () => {
  const end = await interrupted("onInterrupt(() => {})(); setTimeout(isBusy, 50);");
  expect(end).toEqual({ code: null, signal: "SIGINT", stderr: "" });
});

it("what is written next is taken away as well", async () => {
  const end = await interrupted(`
    onInterrupt(() => {})();
    const whole = onInterrupt(() => console.error("taken away"));
    setTimeout(() => { isBusy(); }, 50);`);
  expect(end).toMatchObject({ code: 130, signal: null });
  expect(end.stderr).toContain("taken away");
});

it("nobody is told that nothing was left where something was", async () => {
  const end = await interrupted(`
    onInterrupt(() => { throw new Error("in use: /data/.quarter") });
    isBusy();`);
  expect(end).toMatchObject({ code: 130, signal: null });
  expect(end.stderr).toMatch(/while cleaning up: Error: in use: \/data\/\.quarter\n/);
  expect(end.stderr).not.toContain("nothing half-written");
});
