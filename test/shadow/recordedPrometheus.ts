/**
 * What a real Prometheus answered, kept: the live host asks it over HTTP; a stand-in gives
 * the same bytes to the same question. A question that was never recorded gets a 404 and is
 * noted, so a host that asks anything else than it did then is found out.
 *
 * The recording is of Debian's Prometheus scraping services of the test for a minute; see
 * `RECORD` in recorded.test.ts. Of the headers only the type is kept: a Date would be the
 * recording's, and the host would take its own clock for wrong.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";

export interface Recording {
  /** Where the clock of whoever replays it begins. */
  readonly startMs: number;
  readonly exchanges: readonly Exchange[];
}

interface Exchange {
  /** Path and body, as they came. */
  readonly asked: string;
  readonly status: number;
  readonly type: string;
  readonly answer: string;
}

export function readRecording(file: string): Recording {
  const [head, ...rest] = readFileSync(file, "utf8").trimEnd().split("\n");
  const about = JSON.parse(head!) as Omit<Recording, "exchanges">;
  return { ...about, exchanges: rest.map((line) => JSON.parse(line) as Exchange) };
}

export function writeRecording(file: string, { exchanges, ...about }: Recording): void {
  const lines = [about, ...exchanges].map((one) => JSON.stringify(one));
  writeFileSync(file, `${lines.join("\n")}\n`);
}

/** @param unknown gets what was asked and is not in the recording */
export function replayingServer({ exchanges }: Recording, unknown: string[]): Server {
  const known = new Map(exchanges.map((one) => [one.asked, one]));
  return createServer((request, response) => {
    void askedOf(request).then((asked) => {
      response.sendDate = false;
      const found = known.get(asked);
      if (found === undefined) {
        unknown.push(asked);
        response.writeHead(404).end();
      } else response.writeHead(found.status, { "content-type": found.type }).end(found.answer);
    });
  });
}

/** In front of a real one: every question goes there, and what came back is added. */
export function recordingServer(url: string, exchanges: Exchange[]): Server {
  return createServer((request, response) => {
    void askedOf(request).then(async (asked) => {
      const [path, body] = asked.split("\n") as [string, string];
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      const got = await fetch(url + path, { method: "POST", headers, body });
      const type = got.headers.get("content-type") ?? "";
      const answer = await got.text();
      exchanges.push({ asked, status: got.status, type, answer });
      response.sendDate = false;
      response.writeHead(got.status, { "content-type": type }).end(answer);
    });
  });
}

async function askedOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return `${request.url ?? ""}\n${Buffer.concat(parts).toString()}`;
}
