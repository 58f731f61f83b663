/** Starts and ends the web lab: listens, says where, and finishes or cancels when told to end. */

// tidy-ok: a token that nobody may guess; no result rests on it.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { AddressInfo } from "node:net";
import { Problem } from "../problem.ts";
import { buildApp } from "./app.ts";
import { handlersOf } from "./handlers.ts";
import { Lab, type LabOptions } from "./lab.ts";
import { pagesIn } from "./pages.ts";
import { checkRunDirectory } from "./runDirectory.ts";

export interface ServeOptions extends LabOptions {
  readonly port: number;
  /** Null: loopback, and no token. */
  readonly host: string | null;
  /** Asked for with a host; made up where none is given. */
  readonly token: string | null;
}

export interface Serving {
  /** To open in a browser; with a host it carries the token. */
  readonly url: string;
  /** Without them there is the API alone. */
  readonly pagesAreBuilt: boolean;
  close(): Promise<void>;
}

/** The built pages lie beside the built server, in `dist`; the sources stand beside `dist`. */
const PAGES = import.meta.filename.endsWith(".ts") ? "../../dist/ui" : "../../ui";

/** @throws Problem when a policy cannot be read, nothing can be kept, or the port cannot be had */
export async function serve(options: ServeOptions): Promise<Serving> {
  const token = options.host === null ? null : (options.token ?? newToken());
  checkRunDirectory(options.runDirectory);
  const lab = new Lab(options);
  const directory = resolve(import.meta.dirname, PAGES);
  const pages = pagesIn(directory);
  const app = await buildApp({
    handlers: handlersOf(lab),
    token,
    onFault: options.onFault,
    pages,
  });
  const close = async (): Promise<void> => {
    await app.close();
    await lab.close();
  };
  try {
    await app.listen({ port: options.port, host: options.host ?? "127.0.0.1" });
  } catch (error) {
    await close();
    throw listenProblem(error, options);
  }
  const { port } = app.server.address() as AddressInfo;
  const name = options.host === null ? "127.0.0.1" : shownHost(options.host);
  const query = token === null ? "" : `?token=${token}`;
  const pagesAreBuilt = existsSync(join(directory, "index.html"));
  return { url: `http://${name}:${port}/${query}`, pagesAreBuilt, close };
}

// tidy-ok: nobody may guess it.
const newToken = (): string => randomBytes(24).toString("base64url");

function shownHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function listenProblem(error: unknown, { port, host }: ServeOptions): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return new Problem(`port ${port} is taken`, { cure: "Give another --port, or 0 for any." });
  }
  if (code === "EACCES") {
    return new Problem(`port ${port} is not for us`, { cure: "Give a --port above 1023." });
  }
  if (code === "ENOTFOUND" || code === "EADDRNOTAVAIL") {
    return new Problem(`this machine has no address ${host}`, { cure: "Give one of its own." });
  }
  return error;
}
