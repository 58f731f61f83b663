/** The live host on a clock that is turned by hand. */

import { join } from "node:path";
import { expect, it } from "vitest";
import { logEntries } from "../../lab/audit/read.ts";
import { replayLog } from "../../lab/audit/replay.ts";
import { verifyLog } from "../../lab/audit/verify.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, POLICY, stageIn, started, START_MS } from "./stage.ts";

const STEP_MS = 15_000;
const DAY_MS = 86_400_000;
function inJournal(): string {
  return join(temporaryDirectory(), "journal");
}

it("detects a slow service, proposes, waits, rolls back once, and records it all", async () => {
  const stage = stageIn(inJournal(), ["api", "db"]);
  const { clock, hands, source } = stage;
  const host = await stage.start();
  await clock.pass(MINUTE_MS);
  const deployedMs = clock.wallMs();
  source.slow.set("api", [{ fromMs: deployedMs, toMs: Infinity, times: 1.5 }]);
  hands.rolledBack = () =>
    source.slow.set("api", [{ fromMs: deployedMs, toMs: clock.wallMs(), times: 1.5 }]);
  const heard = await host.tell(started("api", "d1", deployedMs));
  expect(heard).toMatchObject({ accepted: true, decisionIds: ["d1#1"] });
  await clock.pass(4 * MINUTE_MS);
  expect(host.status().problems).toEqual([]);
  expect(hands.of("propose")).toHaveLength(1);
  await clock.pass(MINUTE_MS);
  expect(hands.of("rollBack").map(({ key }) => key)).toEqual(["d1#3/rollBack"]);
  const [proposal] = hands.of("propose");
  const [order] = hands.of("rollBack");
  expect(order!.command.askedAtMs - proposal!.command.askedAtMs).toBe(2 * MINUTE_MS);
  expect(host.status().open).toEqual([]);
  const twice = await host.tell(started("api", "d1", deployedMs));
  expect(twice).toMatchObject({ accepted: false, reason: "this deployment has started already" });
  const nobody = { atMs: clock.wallMs(), by: "dana", justification: "no" };
  expect(await host.tell({ kind: "overrideGiven", deploymentId: "d9", ...nobody })).toMatchObject({
    accepted: false,
    decisionIds: ["(fleet)#1"],
  });
  await host.stop();
  await host.done;
  const log = join(stage.parts.dir, "decisions-000001.jsonl");
  expect(verifyLog(log, { open: false, isSigned: null }).fault).toBeNull();
  expect(replayLog(log, false)).toMatchObject({ differences: [], decisions: 6 });
  expect(START_MS % STEP_MS).toBe(0);
  const whole = await inTurn(["audit", "verify", stage.parts.dir]);
  expect(whole.stdout).toMatch(/is whole: 2 segments, \d+ events, 6 decision records/);
  const again = await inTurn(["audit", "replay", stage.parts.dir]);
  expect(again.stdout).toMatch(/^6 decisions and \d\d* judgements made again, all identical/);
});

it("records which guardrails a new policy loosens", async () => {
  const tight = {
    ...POLICY,
    digest: "tight",
    guardrails: { ...POLICY.guardrails, cooldownMs: 3_600_000 },
  };
  const stage = stageIn(inJournal(), ["api"], { policy: tight });
  const host = await stage.start();
  await stage.clock.pass(MINUTE_MS);
  const told = { kind: "policyChanged", atMs: 0, by: "kim", reason: "read again" } as const;
  const loose = await host.tell({ ...told, policy: POLICY });
  expect(loose.reason).toBe("kim put live in force: read again; loosened: cooldown is gone: 1h");
  const back = await host.tell({ ...told, policy: tight });
  expect(back.reason).toBe("kim put live in force: read again");
  await host.stop();
  await host.done;
  const whole = await inTurn(["audit", "replay", stage.parts.dir]);
  expect(whole.stdout).toMatch(/all identical/);
});

it("prepares a season before the deployment starts, and journals it", async () => {
  const season = POLICY.signals.map((one) => ({
    ...one,
    detector: { ...one.detector, season: true },
  }));
  const policy = { ...POLICY, signals: season, digest: "a-policy-with-a-season" };
  const stage = stageIn(inJournal(), ["api"], { policy });
  const { clock, source } = stage;
  const deployedMs = START_MS + MINUTE_MS;
  // It slows down at this hour every day, so that it does so today is no news.
  const days = [0, 1, 2, 3, 4, 5, 6, 7].map((day) => {
    const atMs = deployedMs - day * DAY_MS;
    return { fromMs: atMs - 5 * MINUTE_MS, toMs: atMs + 60 * MINUTE_MS, times: 1.5 };
  });
  source.slow.set("api", days);
  const host = await stage.start();
  await clock.pass(MINUTE_MS);
  const telling = host.tell(started("api", "d1", deployedMs));
  const staged = host.tell({
    ...{ kind: "stageReached", atMs: deployedMs, deploymentId: "d1", share: 0.5 },
  });
  expect(await telling).toMatchObject({ accepted: true });
  expect(await staged).toMatchObject({ accepted: true });
  await clock.pass(22 * MINUTE_MS);
  expect(stage.hands.of("propose")).toEqual([]);
  stage.lease = false;
  await clock.pass(MINUTE_MS);
  await expect(host.done).rejects.toThrow("lease");
  stage.lease = true;
  const next = await stage.start();
  expect(next.status().open).toEqual([]);
  const kinds = [...logEntries(join(stage.parts.dir, "decisions-000001.jsonl"), true)].flatMap(
    ({ entry }) => (entry.kind === "event" ? [entry.content.kind] : []),
  );
  expect(kinds.slice(0, 3)).toEqual(["contextPrepared", "deploymentStarted", "stageReached"]);
  await next.stop();
});
