/**
 * A server that ends: what it was told to keep is there when it comes back, also where it was
 * killed in the middle; and one that listens beyond loopback lets only those in who know.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { expect, test } from "vitest";
import type { SweepDetail, SweepJob } from "../../lab/server/contract/sweeps.ts";
import { sweepDetail } from "../../lab/server/contract/sweeps.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, policyFile, smallHistory } from "../history/smallWorld.ts";
import { startServer, type Server } from "./serving.ts";

const POLICY = "two-minute-override";
/** Numbers are not looked at here. */
const FEW = ["--draws", "1", "--replicates", "100"];
const LONG_MS = 2 * HOOK_MS;

async function until(server: Server, id: string, states: readonly string[]): Promise<SweepDetail> {
  for (;;) {
    const found = (await (await server.ask(`/api/sweeps/${id}`)).json()) as SweepDetail;
    if (states.includes(found.state)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test(
  "a sweep outlives the server, killed in the middle of it",
  async () => {
    const out = join(temporaryDirectory(), "run");
    const args = [
      "--history",
      await smallHistory(),
      "--policy",
      policyFile(POLICY),
      "--out",
      out,
      ...FEW,
    ];
    const first = await startServer(args);
    const start = async (vary: string): Promise<string> => {
      const asked = { policy: POLICY, vary: [vary] };
      const job = (await (await first.post("/api/sweeps", asked)).json()) as SweepJob;
      return job.id;
    };
    const one = await start("tiers.override.window=1m,2m");
    const two = await start("signals.latency.tolerance=8%,12%");
    await until(first, one, ["running"]);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    // As it was written before a stretch could be swept.
    const file = join(out, "sweeps", one, "job.json");
    const kept = JSON.parse(readFileSync(file, "utf8")) as { readonly job: SweepJob };
    const { scored, ...older } = kept.job;
    expect(scored).toBeNull();
    writeFileSync(file, JSON.stringify({ ...kept, job: older }));

    const second = await startServer(args);
    const interrupted = await until(second, one, ["interrupted"]);
    expect(interrupted.result).toBeNull();
    // The one that waited has its turn without being asked again; a cancelled one ends at once.
    await until(second, two, ["running"]);
    expect((await second.ask(`/api/sweeps/${two}/cancel`, { method: "POST" })).status).toBe(200);
    expect((await second.ask(`/api/sweeps/${two}/cancel`, { method: "POST" })).status).toBe(409);
    expect((await second.ask(`/api/sweeps/${one}/restart`, { method: "POST" })).status).toBe(200);
    const done = sweepDetail.parse(await until(second, one, ["done", "failed"]));
    expect(done.state).toBe("done");
    expect(done.places).toEqual([["1m"]]);
    expect(done.incumbentPlace).toEqual(["2m"]);
    expect(done.result!.variations.map(({ name }) => name)).toEqual(["window=1m"]);
    expect((await second.ask(`/api/sweeps/${two}`, { method: "DELETE" })).status).toBe(204);
    expect(await second.stop()).toBe(0);
  },
  LONG_MS,
);

test(
  "beyond loopback it wants a token, and takes it once from the address",
  async () => {
    const token = "a-token-for-the-tests";
    const args = ["--history", await smallHistory(), "--host", "127.0.0.1"];
    const out = ["--out", join(temporaryDirectory(), "run")];
    const server = await startServer([...args, ...out], { HINDSIGHT_TOKEN: token });
    expect(server.url).toContain(`?token=${token}`);
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await server.ask("/api/status", { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: "Bearer wrong" })).toBe(401);
    expect(await status({ authorization: `Bearer ${token}` })).toBe(200);
    const opened = await fetch(server.url, { redirect: "manual" });
    expect([opened.status, opened.headers.get("location")]).toEqual([303, "/"]);
    const cookie = opened.headers.get("set-cookie")!;
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect(await status({ cookie: cookie.split(";")[0]! })).toBe(200);
    expect(await server.stop()).toBe(0);
  },
  LONG_MS,
);
