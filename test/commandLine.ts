/**
 * The command line in a process of its own, as a shell starts it, or in one that goes on to the
 * next command. Both run the built sources (built.ts): a process that strips the types first takes
 * twice as long to start. That `hindsight.js` starts the sources themselves, docs.test.ts shows.
 */

import { fork, spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { builtFile, buildSources } from "./built.ts";

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

/** The one process of this worker that commands are run in, one after another. */
let answering: Promise<ChildProcess> | null = null;
let before: Promise<unknown> = Promise.resolve();

/**
 * The same in a process that has run other commands before: a third of what a process of its own
 * takes. For what a command says and makes, and not for how it starts, is interrupted and ends.
 */
export function inTurn(args: readonly string[], cwd: string = ROOT): Promise<Ended> {
  const mine = before.then(async () => {
    const child = await (answering ??= answer());
    return new Promise<Ended>((resolve, reject) => {
      const fell = (): void => {
        answering = null;
        reject(new Error(`the process ended in the middle of ${args.join(" ")}`));
      };
      child.once("exit", fell);
      child.once("message", (ended: Ended) => {
        child.off("exit", fell);
        resolve(ended);
      });
      child.send({ args, cwd });
    });
  });
  before = mine.catch(() => undefined);
  return mine;
}

async function answer(): Promise<ChildProcess> {
  const command = await builtCommandLine();
  const child = fork(builtFile("test/answering.ts"), [command]);
  // It ends with this process, which need not wait for it.
  child.unref();
  child.channel!.unref();
  return child;
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

/** The program that a process of its own runs. */
export async function builtCommandLine(): Promise<string> {
  await buildSources();
  return builtFile("lab/cli/main.ts");
}
