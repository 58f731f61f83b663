/** The web lab as a person starts it: the command in a process of its own, on a free port. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { builtCommandLine } from "../commandLine.ts";
import { ROOT } from "../history/smallWorld.ts";

export interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it said on stderr so far. */
  readonly said: () => string;
  /** Asks until the answer is no longer "still being made". */
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
  /** A deployment, once its lanes are there: the rest of it is answered before. */
  readonly laned: (deploymentId: string) => Promise<Response>;
  readonly post: (path: string, body: unknown) => Promise<Response>;
  /** SIGTERM, and its exit code. */
  readonly stop: () => Promise<number | null>;
}

export async function startServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const command = await builtCommandLine();
  const child = spawn(process.execPath, [command, "serve", "--json", "--port", "0", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  let stdout = "";
  while (!stdout.includes("}")) {
    const [part] = (await Promise.race([once(child.stdout, "data"), ended(child)])) as [Buffer];
    if (!(part instanceof Buffer)) throw new Error(`serve ended: ${stderr}`);
    stdout += part.toString();
  }
  const url = (JSON.parse(stdout) as { readonly url: string }).url;
  const base = url.replace(/\/(\?.*)?$/, "");
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    for (;;) {
      const response = await fetch(`${base}${path}`, init);
      if (response.status !== 202) return response;
      await response.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const laned = async (deploymentId: string): Promise<Response> => {
    for (;;) {
      const response = await ask(`/api/deployments/${encodeURIComponent(deploymentId)}`);
      const { lanes } = (await response.clone().json()) as { readonly lanes?: unknown };
      if (lanes !== null) return response;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return {
    url,
    child,
    said: () => stderr,
    ask,
    laned,
    post: (path, body) =>
      ask(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    stop: async () => {
      const end = ended(child);
      child.kill("SIGTERM");
      return await end;
    },
  };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
