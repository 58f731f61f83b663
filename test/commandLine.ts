/**
 * The command line in a process of its own, as a shell starts it. It runs the sources as
 * plain JavaScript, made once in a run: a process that strips the types first takes twice
 * as long to start. That `hindsight.js` starts the sources themselves, docs.test.ts shows.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformWithOxc } from "vite";
import { madeOnce } from "./once.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Shell {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it; only root may choose. */
  readonly uid?: number;
  /** Called with the process as soon as it is started. */
  readonly during?: (child: ChildProcess) => void;
}

/** Runs `hindsight` with these words; resolves with its exit code and what it said. */
export async function hindsight(args: readonly string[], shell: Shell = {}): Promise<Ended> {
  return node([await builtCommandLine(), ...args], shell);
}

export function node(args: readonly string[], shell: Shell = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { uid } = shell;
    const child = spawn(process.execPath, args, {
      cwd: shell.cwd ?? ROOT,
      env: { ...process.env, ...shell.env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    shell.during?.(child);
  });
}

/** The sources without their types, laid out as `npm run build` lays them out. */
export async function builtCommandLine(): Promise<string> {
  const built = await madeOnce(join(process.env["HINDSIGHT_TESTS"]!, "built"), async (partial) => {
    for (const folder of ["engine", "lab", "datasets"]) await strip(folder, join(partial, "dist"));
    // The shipped folders are looked for beside the built ones.
    for (const folder of ["datasets", "scenarios"]) {
      symlinkSync(join(ROOT, folder), join(partial, folder));
    }
  });
  return join(built, "dist/lab/cli/main.js");
}

async function strip(folder: string, out: string): Promise<void> {
  for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.endsWith(".d.ts")) continue;
    const source = readFileSync(join(ROOT, folder, name), "utf8");
    const { code } = await transformWithOxc(source, name, {
      target: "es2023",
      sourcemap: false,
      typescript: { onlyRemoveTypeImports: true, rewriteImportExtensions: true },
    });
    const file = join(out, folder, name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
}
