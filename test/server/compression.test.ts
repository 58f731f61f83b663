/** Answers are compressed for clients that accept it; every client gets the same text. */

import { request } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodingFor } from "../../lab/server/compression.ts";
import { HOOK_MS, policyFile } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";
import { startServer, type Server } from "./serving.ts";

let server: Server;

beforeAll(async () => {
  const tiny = await tinyHistory({ good: { label: "benign" }, slow: { slow: [3, 45] } });
  tiny.close();
  const words = ["--history", tiny.dir, "--policy", policyFile("two-minute-override")];
  server = await startServer([...words, "--draws", "1", "--replicates", "100"]);
}, HOOK_MS);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

interface Raw {
  readonly encoding: string | undefined;
  readonly vary: string | undefined;
  readonly bytes: Buffer;
}

/** As it travels. */
function raw(path: string, accepted: string, method = "GET"): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const url = new URL(path, server.url);
    const sent = request(url, { method, headers: { "accept-encoding": accepted } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const { vary, "content-encoding": encoding } = answer.headers;
        resolve({ encoding, vary, bytes: Buffer.concat(parts) });
      });
    });
    sent.on("error", reject).end();
  });
}

test("an answer is the same text whatever it travels in", async () => {
  const path = "/api/openapi.json";
  const plain = await raw(path, "identity");
  const [br, gz] = [await raw(path, "gzip, deflate, br"), await raw(path, "gzip")];
  expect([plain.encoding, br.encoding, gz.encoding]).toEqual([undefined, "br", "gzip"]);
  expect(brotliDecompressSync(br.bytes).equals(plain.bytes)).toBe(true);
  expect(gunzipSync(gz.bytes).equals(plain.bytes)).toBe(true);
  expect(br.bytes.length * 4).toBeLessThan(plain.bytes.length);
  expect([plain.vary, br.vary]).toEqual(["accept-encoding", "accept-encoding"]);
});

test("what is small, refused or without a body stays as it is", async () => {
  expect((await raw("/api/status", "br")).encoding).toBe(undefined);
  const refused = await raw("/api/no-such-thing", "br");
  expect(JSON.parse(refused.bytes.toString())).toMatchObject({ status: 404 });
  expect(await raw("/api/openapi.json", "br", "HEAD")).toMatchObject({ encoding: undefined });
});

test.each([
  ["gzip, deflate, br", "br"],
  ["gzip;q=0.5, br;q=0", "gzip"],
  ["BR ; q=0.001", "br"],
  ["identity", null],
  ["br;q=0.0, gzip; q=0", null],
  [undefined, null],
])("%s takes %s", (accepted, encoding) => {
  expect(encodingFor(accepted)).toBe(encoding);
});
