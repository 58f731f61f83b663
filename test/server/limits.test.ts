/** Small requests with a large cost, and requests of other sites, are refused. */

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { problem } from "../../lab/server/contract/words.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, policyFile } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";
import { startServer, type Server } from "./serving.ts";

const BASE = "two-minute-override";
let server: Server;
const out = join(temporaryDirectory(), "run");

beforeAll(async () => {
  const tiny = await tinyHistory({ good: { label: "benign" }, slow: { slow: [3, 45] } });
  tiny.close();
  const few = ["--draws", "1", "--replicates", "100", "--out", out];
  server = await startServer(["--history", tiny.dir, "--policy", policyFile(BASE), ...few]);
}, HOOK_MS);

afterAll(async () => {
  expect(server.said()).toBe("");
  expect(await server.stop()).toBe(0);
});

const draft = (yaml: string) => ["/api/drafts", { base: BASE, yaml }] as const;
const sweep = (vary: string) => ["/api/sweeps", { policy: BASE, vary: [vary] }] as const;
const change = (path: string, value: string) =>
  ["/api/what-if", { base: BASE, changes: [{ path, value }] }] as const;
const bomb = "abcdefghi"
  .split("")
  .map(
    (name, at) =>
      `${name}: &${name} [${`${at === 0 ? 1 : `*${"abcdefgh"[at - 1]!}`}, `.repeat(9)}]`,
  )
  .join("\n");

test.each([
  ["steps", sweep("tiers.override.window=1m..10m/99999999"), 413, /at most 10000 policies/],
  ["more steps", sweep(`tiers.override.window=1m..10m/${"9".repeat(17)}`), 413, /at most 10000/],
  ["unknown keys", draft("key: 1\n".repeat(14_000)), 413, /more than 4000 keys and items/],
  ["braces", draft("{".repeat(4000)), 413, /more than 40 maps and lists/],
  ["aliases", draft(bomb), 413, /with its aliases this has more than 8000 values/],
  ["a cyclic alias", draft("&x {a: *x}"), 413, /\*x stands inside of &x/],
  ["a cyclic value", sweep("assign=&x {a: *x}"), 413, /\*x stands inside of &x/],
  ["a cyclic change", change("context", "&x {a: *x}"), 413, /\*x stands inside of &x/],
  [
    "no limit",
    ["/api/sweeps", { policy: BASE, vary: ["watch=30m"], limits: "missRate:3kg" }],
    422,
    /margin/,
  ],
  ["a far index", change("assign.99999999.tier", "full"), 413, /assign has \d+ entries/],
  ["an endless watch", change("watch", "36500d"), 422, /watch: expected at most 30d/],
] as const)("%s", { timeout: HOOK_MS }, async (_, [path, body], status, told) => {
  const before = await (await server.ask("/api/sweeps")).text();
  const answer = await server.post(path, body);
  expect(problem.parse(await answer.json())).toMatchObject({
    status,
    detail: expect.stringMatching(told) as string,
  });
  expect(await (await server.ask("/api/sweeps")).text()).toBe(before);
  const next = await server.post(...change("tiers.override.window", "5m"));
  expect(next.status).toBe(200);
});

test(
  "a draft with many unknown keys is told of the first ones",
  async () => {
    const keys = Array.from({ length: 3000 }, (_, at) => `key${at}: 1\n`).join("");
    const answer = await server.post(...draft(keys));
    const { status, detail } = problem.parse(await answer.json());
    expect(status).toBe(422);
    expect(detail.split("\n").length).toBeLessThan(120);
    expect(detail).toMatch(/and \d+ more like these$/);
  },
  HOOK_MS,
);

/** `fetch` sets these headers itself. */
function statusOf(path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    get(new URL(path, server.url), { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    }).on("error", reject);
  });
}

test("a page of another site starts nothing, also by reading", { timeout: HOOK_MS }, async () => {
  const paths = ["/api/status", "/api/history/quality", `/api/tags?policy=${BASE}`];
  for (const path of [...paths, "/%61pi/status"]) {
    expect(await statusOf(path, { "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await statusOf(path, { "sec-fetch-site": "same-site" })).toBe(403);
    expect(await statusOf(path, { origin: "https://elsewhere.example" })).toBe(403);
    expect(await statusOf(path, { host: "elsewhere.example" })).toBe(403);
    for (const site of ["same-origin", "none"]) {
      expect(await statusOf(path, { "sec-fetch-site": site })).toBeLessThan(300);
    }
    expect(await statusOf(path, {})).toBeLessThan(300);
  }
  expect(await statusOf("/", { "sec-fetch-site": "cross-site" })).not.toBe(403);
});

test("a link in the place of drafts or sweeps is not followed", { timeout: HOOK_MS }, async () => {
  const elsewhere = temporaryDirectory();
  mkdirSync(out, { recursive: true });
  for (const [folder, asked] of [
    ["drafts", draft(`extends: ${BASE}.yaml\npolicy: linked\n`)],
    ["sweeps", sweep("tiers.override.window=1m,2m")],
  ] as const) {
    const link = join(out, folder);
    rmSync(link, { recursive: true, force: true });
    symlinkSync(elsewhere, link);
    expect((await server.post(asked[0], asked[1])).status).toBe(422);
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(link);
    expect(existsSync(link)).toBe(false);
  }
});
