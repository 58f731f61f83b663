/**
 * Requests that are made to be dear, to every route of a real server: none is a fault of ours, none
 * keeps the process that listens busy, and it holds little memory at the end. Times are those that
 * this process has worked for, which another process on the machine does not change.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROUTES } from "../../lab/server/contract/routes.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, policyFile } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";
import { startServer, type Server } from "./serving.ts";

const SOAK = process.env["SOAK"] === "1";
const SEED = Number(process.env["SEED"] ?? 22);
const REQUESTS = SOAK ? 10_000 : 300;
const SOAK_MS = 24 * 60_000;
/** Beyond about these, headers are refused before the body is read. */
const HEADERS_BYTES = 15_000;
const AT_ONCE = 10;
const BUSY_AT_MOST_MS = 1000;
const RESIDENT_AT_MOST = 1e9;
const BASE = "two-minute-override";

let server: Server;

beforeAll(async () => {
  const tiny = await tinyHistory({
    good: { label: "benign" },
    slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
  });
  tiny.close();
  const few = ["--draws", "1", "--replicates", "100", "--out", join(temporaryDirectory(), "run")];
  server = await startServer(["--history", tiny.dir, "--policy", policyFile(BASE), ...few]);
}, HOOK_MS);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
}, HOOK_MS);

const LETTERS = 150_000;
const name = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "length"),
  fc.constantFrom("a".repeat(300), "ü".repeat(100), "\u0000", "\uFFFD", "𝕏", "..", "%2e%2e", "-1"),
  fc.constantFrom("assign", "signals", "latency", "tiers", "override", "window", "watch", "*"),
  fc.constantFrom("99999999", "4294967296", "1e9", "0", "1", "s1", BASE, "draft-0000000000000000"),
);
const path = fc.oneof(
  fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(".")),
  fc.constantFrom("assign.99999999.tier", "tiers.override.window", "watch", "signals.*.hold"),
  fc.constantFrom("signals.*.detector.baseline", "a.".repeat(149), "*.*.*.*.*.*"),
);
const value = fc.oneof(
  fc.constantFrom("36500d", "30d", "2m", "1e308w", "99999999999999999999d", "0s", ".inf", "1e400"),
  fc.constantFrom("&x {a: *x}", "{__proto__: {a: 1}}", "[[[[[[1]]]]]]", "!!set {a}", "null", "{"),
  fc.nat({ max: 1900 }).map((times) => "[".repeat(times)),
  fc.nat({ max: 600 }).map((times) => `[${"1, ".repeat(times)}1]`),
);
const vary = fc.oneof(
  fc.tuple(path, value).map((parts) => parts.join("=")),
  fc
    .tuple(path, fc.constantFrom("1m..10m", "0s..2m", "1..1e9", "1%..99%", "10m..1m", "0..1"))
    .chain(([at, range]) =>
      fc
        .constantFrom("/2", "/3log", "/10001", "/99999999", "/99999999999999999999", "", " log")
        .map((steps) => `${at}=${range}${steps}`),
    ),
);
const yaml = fc.oneof(
  value,
  fc
    .tuple(fc.constantFrom("{", "[", "- ", "? ", "a: ", "&a ", "*a ", "!a ", "|\n", "#", "---\n"))
    .chain(([one]) => fc.nat({ max: LETTERS }).map((size) => one.repeat(size / one.length + 1))),
  fc
    .tuple(name, fc.constantFrom(10, 1000, 3900, 14_000))
    .map(([key, times]) =>
      Array.from({ length: times }, (_, at) => `${JSON.stringify(key)}${at}: 1`).join("\n"),
    ),
  fc
    .nat({ max: 3900 })
    .map((times) => Array.from({ length: times }, (_, at) => `k${at}: 1`).join("\n")),
  fc
    .nat({ max: 500 })
    .map((deep) => Array.from({ length: deep }, (_, at) => `${" ".repeat(at)}a:`).join("\n")),
  fc
    .tuple(path, value)
    .map(
      ([key, one]) => `extends: ${BASE}.yaml\npolicy: p\nowner: o\n${key.split(".")[0]!}: ${one}\n`,
    ),
  fc.nat({ max: 12 }).map((deep) =>
    Array.from({ length: deep }, (_, at) => {
      return `a${at}: &a${at} [${`${at === 0 ? "1" : `*a${at - 1}`}, `.repeat(9)}]`;
    }).join("\n"),
  ),
);
const changes = fc.array(fc.record({ path, value: fc.oneof(value, fc.constant(null)) }), {
  maxLength: 20,
});
const body = fc.oneof(
  fc.record({ base: fc.constant(BASE), yaml }),
  fc.record({ base: fc.constant(BASE), changes, precision: fc.constantFrom("quick", "exact") }),
  fc.record({
    policy: fc.constant(BASE),
    vary: fc.array(vary, { minLength: 1, maxLength: 10 }),
    design: fc.constantFrom("grid", "sobol"),
    points: fc.constantFrom(2, 8, 4096, 99_999),
  }),
  fc.record({ base: name, policy: name, yaml, vary: fc.array(vary, { maxLength: 3 }) }),
  fc.json({ maxDepth: 5 }),
  fc.nat({ max: 100_000 }).map((deep) => "[".repeat(deep)),
);
const text = fc.oneof(
  name,
  fc.constantFrom(
    BASE,
    `${BASE},${BASE}`,
    "human-approval",
    "2026-07-07T08:00:00Z",
    "8192",
    "1e309",
  ),
  fc.constantFrom(
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "a ".repeat(99),
    "x".repeat(5000),
  ),
);
const query = fc.dictionary(
  fc.constantFrom(
    "policy",
    "policies",
    "from",
    "to",
    "limit",
    "offset",
    "q",
    "signal",
    "series",
    "pixels",
  ),
  text,
);
const request = fc
  .tuple(fc.constantFrom(...Object.values(ROUTES)), text, query, body)
  .map(([route, part, asked, sent]) => ({
    method: route.method,
    path: [
      route.path.replace(/:\w+/g, encodeURIComponent(part.slice(0, 500))),
      new URLSearchParams(asked).toString(),
    ].join("?"),
    sent: typeof sent === "string" ? sent : JSON.stringify(sent),
  }));

/** What the process that listens has worked for; its threads are processes of their own. */
function workedMs(): number {
  const stat = readFileSync(`/proc/${server.child.pid!}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return 10 * (Number(user) + Number(system));
}

function residentBytes(): number {
  const status = readFileSync(`/proc/${server.child.pid!}/status`, "utf8");
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]);
}

/** Null where the server has hung up on a request before all of it was sent: it is too large. */
async function askOnce(url: string, init: RequestInit): Promise<Response | null> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { code } = (error as { readonly cause?: { readonly code?: string } }).cause ?? {};
    if ((code === "EPIPE" || code === "ECONNRESET") && url.length > HEADERS_BYTES) return null;
    throw error;
  }
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;

test.runIf(process.platform === "linux")(
  "dear requests are answered soon, and leave the server as it was",
  async () => {
    const url = server.url.replace(/\/$/, "");
    const began = performance.now();
    const counts = new Map<number, number>();
    const took: number[] = [];
    let busiest = 0;
    let cutOff = 0;
    const all = fc.sample(request, { numRuns: REQUESTS, seed: SEED });
    for (let from = 0; from < all.length && performance.now() - began < SOAK_MS; from += AT_ONCE) {
      const worked = workedMs();
      await Promise.all(
        all.slice(from, from + AT_ONCE).map(async ({ method, path: asked, sent }) => {
          const at = performance.now();
          const hasBody = method === "POST";
          const answer = await askOnce(`${url}${asked}`, {
            method,
            ...(hasBody ? { body: sent, headers: { "content-type": "application/json" } } : {}),
          });
          if (answer === null) {
            cutOff++;
            return;
          }
          const told = await answer.text();
          took.push(performance.now() - at);
          counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
          const isFine = answer.status < 500 || answer.status === 503;
          expect(isFine, `${method} ${asked} ${sent.slice(0, 500)}: ${told}`).toBe(true);
        }),
      );
      busiest = Math.max(busiest, workedMs() - worked);
    }
    took.sort((a, b) => a - b);
    const resident = residentBytes();
    if (SOAK) {
      const shown = [0.5, 0.95, 0.99, 1].map((share) => Math.round(quantile(took, share)));
      const counted = JSON.stringify([...counts].sort(([a], [b]) => a - b));
      process.stdout.write(
        `${took.length} requests, seed ${SEED}: ${counted}, ${cutOff} cut off; ` +
          `ms ${shown.join(" ")}; busiest ten ${busiest} ms; ` +
          `resident ${Math.round(resident / 1e6)} MB\n`,
      );
    }
    // Ten together work for less than one of them may take.
    expect(busiest).toBeLessThan(BUSY_AT_MOST_MS);
    expect(resident).toBeLessThan(RESIDENT_AT_MOST);
    expect((await server.ask("/api/status")).status).toBe(200);
    expect(server.said()).not.toMatch(/our fault/);
  },
  SOAK ? SOAK_MS + HOOK_MS : HOOK_MS,
);
