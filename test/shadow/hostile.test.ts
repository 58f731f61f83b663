/**
 * The metrics source against a server that does everything wrong: each fault is a sentence that
 * says what happened, what was right is given all the same, and nothing is thrown.
 */

import { afterEach, describe, expect, it } from "vitest";
import type { Clock, Taken } from "../../lab/shadow/contract.ts";
import { prometheusSource } from "../../lab/shadow/source/prometheus.ts";
import { METRICS, type SecretOf } from "../../lab/shadow/source/settings.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { asked, body, endServing, json, matrix, serve, type Reply } from "./standIn.ts";

afterEach(endServing);

const NEVER = new AbortController().signal;
const TO_MS = 1_800_000_000_000;
const FROM_MS = TO_MS - 60_000;

interface Given {
  readonly url: string;
  readonly queries?: Readonly<Record<string, string>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  readonly secretOf?: SecretOf;
  readonly bodyLimit?: number;
}

function sourceOf({ url, queries = { bad: "bad", good: "good" }, more, ...rest }: Given) {
  const settings = METRICS.parse({ url, timeout: "5s", queries, ...more });
  const { secretOf = () => "", clock = systemClock, bodyLimit } = rest;
  return prometheusSource(settings, secretOf, clock, bodyLimit);
}

/** The server's answer to "good", and to everything else what the case says. */
function orGood(reply: Reply): Reply {
  return (request, response) => {
    if (request.query.startsWith("good")) json(response, matrix([["shop", [[TO_MS, "1"]]]]));
    else reply(request, response);
  };
}

const raw =
  (text: string, status = 200, headers: Record<string, string> = {}): Reply =>
  (_request, response) =>
    void response.writeHead(status, headers).end(text);

const endless: Reply = (_request, response) => {
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", more);
  more();
};

const oneSeries = (values: unknown, labels: unknown = { service: "shop" }): unknown => ({
  status: "success",
  data: { resultType: "matrix", result: [{ metric: labels, values }] },
});

describe("every fault becomes a sentence, and the other query's samples still arrive", () => {
  const cases: readonly (readonly [string, Reply, RegExp])[] = [
    ["slow", () => undefined, /^bad: the metrics API gave no answer within 1s$/],
    ["500", raw("oops", 500), /^bad: the metrics API refused with 500$/],
    [
      "an error in its own words",
      body({ status: "error", errorType: "bad_data", error: "no such function" }, 400),
      /^bad: the metrics API refused with 400: no such function$/,
    ],
    ["an error called success", body({ status: "error", error: "odd" }), /refused: odd$/],
    ["not let in", raw("", 401), /does not let us in \(401\): check auth and headers$/],
    [
      "a redirect",
      raw("", 302, { location: "https://login.example.org/" }),
      /sends us to https:\/\/login\.example\.org\/, and we do not follow/,
    ],
    ["a web page", raw("<html>log in</html>"), /a web page, not JSON: is a login or a proxy/],
    ["cut JSON", raw('{"status":"success","data":{"resultType":"ma'), /cut off or broken JSON/],
    ["nothing", raw(""), /gave an answer that is empty$/],
    [
      "a connection that is cut",
      (_request, response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write('{"status":"success"');
        setTimeout(() => response.destroy(), 10);
      },
      /cannot be reached: the connection was cut$/,
    ],
    ["an endless body", endless, /gave an answer of more than 1 MB$/],
    [
      "a vector",
      body({ status: "success", data: { resultType: "vector", result: [] } }),
      /not what was asked for: it is a vector$/,
    ],
    ["no labels", body(oneSeries([], null)), /a series has no labels$/],
    ["no values", body(oneSeries(undefined)), /a series has no values/],
    ["numbers for text", body(oneSeries([[TO_MS / 1000, 1]])), /a sample is no time and text$/],
    ["a word for a number", body(oneSeries([[TO_MS / 1000, "many"]])), /a value is "many"$/],
    [
      "a partial answer",
      body({ ...(matrix([["shop", [[TO_MS, "5"]]]]) as object), warnings: ["store 2 is down"] }),
      /gave no answer that can be used: the answer is partial: store 2 is down$/,
    ],
    [
      "two series for a service",
      body(
        matrix([
          ["shop", [[TO_MS, "5"]]],
          ["shop", [[TO_MS, "6"]]],
        ]),
      ),
      /^bad: 2 samples of shop left out: several series for one service: make it one, as with sum/,
    ],
    [
      "no service",
      body(oneSeries([[TO_MS / 1000, "1"]], {})),
      /^bad: 1 sample left out: the series has no label "service"/,
    ],
  ];
  it.each(cases)("%s", async (name, reply, expected) => {
    const url = await serve(orGood(reply));
    const more = name === "slow" ? { timeout: "1s" } : {};
    const taken = await sourceOf({ url, more, bodyLimit: 1024 * 1024 }).take(FROM_MS, TO_MS, NEVER);
    expect(taken.columns.map(({ series }) => series.metric)).toEqual(["good"]);
    // What was left out of a whole answer will not be in the next one either.
    expect(taken.answered).toBe(taken.problems.some((text) => text.includes("left out")));
    expect(taken.problems.filter((text) => !text.includes("clock"))).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  it("an unreachable API is one sentence for both queries", async () => {
    const url = await serve(() => undefined);
    endServing();
    expect(await sourceOf({ url }).take(FROM_MS, TO_MS, NEVER)).toEqual({
      columns: [],
      problems: ["bad, good: the metrics API cannot be reached: connection refused"],
      answered: false,
    } satisfies Taken);
  });
});

describe("what is odd in an answer", () => {
  it("is sorted, merged, dropped where it contradicts itself, or counts as missing", async () => {
    const at = (seconds: number): number => TO_MS - 50_000 + seconds * 1000;
    const pairs: [number, string][] = [
      [at(30), "3"],
      [at(10), "1"],
      [at(20), "2"],
      [at(10), "1"],
      [at(40), "4"],
      [at(40), "5"],
      [at(45), "NaN"],
      [at(46), "+Inf"],
      [TO_MS + 1000, "9"],
      [FROM_MS, "9"],
    ];
    const url = await serve(body(matrix([["shop", pairs]])));
    const source = sourceOf({ url, queries: { x: "x" } });
    const { columns, problems } = await source.take(FROM_MS, TO_MS, NEVER);
    expect(columns).toHaveLength(1);
    expect(columns[0]!.atMs).toEqual([at(10), at(20), at(30), at(45), at(46)]);
    expect(columns[0]!.values).toEqual([1, 2, 3, Number.NaN, Number.NaN]);
    expect(problems).toContain(
      "x: 2 samples of shop left out: contradicting another sample of the same time",
    );
  });

  it("a wrong clock is reported; warnings about the query are not", async () => {
    const url = await serve((_request, response) => {
      response.setHeader("date", new Date(TO_MS + 42_000).toUTCString());
      json(response, {
        ...(matrix([["shop", [[TO_MS, "1"]]]]) as object),
        warnings: ["PromQL info: metric might not be a counter"],
      });
    });
    const clock = { ...systemClock, wallMs: () => TO_MS };
    const taken = await sourceOf({ url, queries: { x: "x" }, clock }).take(FROM_MS, TO_MS, NEVER);
    expect(taken.columns).toHaveLength(1);
    expect(taken.problems).toEqual([
      expect.stringMatching(/^the metrics API has a clock that is 4[23]s ahead of ours$/),
    ]);
  });
});

describe("it takes care", () => {
  it("obeys Retry-After, then catches up", async () => {
    let [nowMs, busy] = [0, true];
    const clock = { ...systemClock, steadyMs: () => nowMs };
    const url = await serve((_request, response) => {
      if (busy) response.writeHead(429, { "retry-after": "30" }).end();
      else
        json(
          response,
          matrix([
            [
              "shop",
              [
                [TO_MS - 20_000, "1"],
                [TO_MS + 30_000, "2"],
              ],
            ],
          ]),
        );
    });
    const source = sourceOf({ url, queries: { x: "x" }, clock });
    busy = false;
    await source.take(FROM_MS - 60_000, FROM_MS, NEVER);
    busy = true;
    const refused = await source.take(FROM_MS, TO_MS, NEVER);
    expect(refused.problems).toContain("x: the metrics API asks us to slow down (Retry-After: 30)");
    busy = false;
    nowMs = 29_000;
    const waited = await source.take(TO_MS, TO_MS + 15_000, NEVER);
    expect(waited.problems).toContain("x: the metrics API asked to be left alone, 1s more");
    expect(asked).toHaveLength(2);
    nowMs = 31_000;
    // The host asks for the newest only; what was missed meanwhile comes as well.
    const { columns } = await source.take(TO_MS + 15_000, TO_MS + 30_000, NEVER);
    expect(columns[0]!.atMs).toEqual([TO_MS - 20_000, TO_MS + 30_000]);
    expect(asked).toHaveLength(3);
  });

  it.each([
    [429, "60", "1m"],
    [503, new Date(TO_MS + 90_000).toUTCString(), "1m30s"],
    [429, "31536000", "5m"],
    [429, "soon", null],
    [500, "60", null],
  ])("hears %d with Retry-After: %s as %s", async (status, retryAfter, rest) => {
    const url = await serve((_request, response) => {
      const date = new Date(TO_MS).toUTCString();
      response.writeHead(status, { "retry-after": retryAfter, date }).end();
    });
    const clock = { ...systemClock, steadyMs: () => 0 };
    const source = sourceOf({ url, queries: { x: "x" }, clock });
    await source.take(FROM_MS, TO_MS, NEVER);
    const { problems } = await source.take(FROM_MS, TO_MS, NEVER);
    const left = problems.find((text) => text.includes("left alone"));
    const expected = `x: the metrics API asked to be left alone, ${String(rest)} more`;
    expect(left).toBe(rest === null ? undefined : expected);
    expect(asked).toHaveLength(rest === null ? 2 : 1);
  });

  it("asks in pieces below 11,000 points, and in smaller ones where refused", async () => {
    const url = await serve(({ parameters, path }, response) => {
      const start = Number(parameters.get("start"));
      const end = Number(parameters.get("end"));
      if (path.endsWith("query") || end - start <= 4_000 * 15) {
        json(response, matrix([["shop", [[end * 1000, "1"]]]]));
      } else json(response, { status: "error", error: "would load too many samples" }, 422);
    });
    const fromMs = TO_MS - 30_000 * 15_000;
    const taken = await sourceOf({ url, queries: { x: "sum(x)" } }).take(fromMs, TO_MS, NEVER);
    expect(taken.problems.filter((text) => !text.includes("clock"))).toEqual([]);
    const ranges = asked.map(({ parameters }) => [
      Number(parameters.get("start")),
      Number(parameters.get("end")),
    ]);
    for (const [start, end] of ranges) expect((end! - start!) / 15).toBeLessThan(11_000);
    // Refused twice (10,000 and 5,000 points), then each piece begins where the last ended.
    const answered = ranges.slice(2);
    expect(answered[0]![0]).toBe(fromMs / 1000 + 15);
    expect(answered.at(-1)![1]).toBe(TO_MS / 1000);
    answered.slice(1).forEach(([start], i) => expect(start).toBe(answered[i]![1]! + 15));
  });

  it("limits concurrent requests, and sends its secrets and headers", async () => {
    let [now, most] = [0, 0];
    const url = await serve((_request, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        json(response, matrix([]));
      }, 20);
    });
    const queries = Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((name) => [name, name]));
    const more = {
      concurrency: 2,
      auth: { bearer: "env:TOKEN" },
      headers: { "X-Scope-OrgID": "tenant", "X-Key": "env:KEY" },
    };
    const secretOf = (reference: string): string => `<${reference}>`;
    await sourceOf({ url, queries, more, secretOf }).take(FROM_MS, TO_MS, NEVER);
    expect(most).toBe(2);
    expect(asked).toHaveLength(6);
    expect(asked[0]!.headers).toMatchObject({
      authorization: "Bearer <env:TOKEN>",
      "x-scope-orgid": "tenant",
      "x-key": "<env:KEY>",
    });
  });

  it("aborts its requests when the host ends", async () => {
    const url = await serve(() => undefined);
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 20);
    const taken = await sourceOf({ url }).take(FROM_MS, TO_MS, ending.signal);
    expect(taken.problems).toEqual([
      "bad, good: the metrics API was not waited for: the host is ending",
    ]);
  });

  it("reports a metric without samples only after `stale`", async () => {
    const url = await serve(body(matrix([])));
    const source = sourceOf({ url, queries: { x: "x" } });
    const problemsOf = async (fromMs: number): Promise<readonly string[]> =>
      (await source.take(fromMs, fromMs + 15_000, NEVER)).problems.filter(
        (text) => !text.includes("clock"),
      );
    for (const seconds of [0, 15, 105]) {
      expect(await problemsOf(TO_MS + seconds * 1000)).toEqual([]);
    }
    expect(await problemsOf(TO_MS + 120_000)).toEqual(["x: no sample of any service for 2m15s"]);
  });
});
