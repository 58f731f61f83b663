/** The URL of a queue, checked before anything that talks to it is loaded. */

import { Problem } from "../../problem.ts";

/** @throws Problem when it is no URL of Redis */
export function checkUrl(url: string): string {
  const cure = "Write --on redis://HOST:PORT (rediss:// for TLS, redis://USER:PASSWORD@HOST:PORT).";
  if (!URL.canParse(url)) throw new Problem("--on is no URL", { cure });
  const { protocol } = new URL(url);
  if (protocol === "s3:") throw new Problem("--on names the queue, not the history", { cure });
  if (protocol !== "redis:" && protocol !== "rediss:") {
    throw new Problem(`--on: ${protocol}// is no Redis or Valkey`, { cure });
  }
  return url;
}
