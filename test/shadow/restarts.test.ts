/** Restarts of a host with many watches, with a lease of 15 s: none may be lost. */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { logEntries } from "../../lab/audit/read.ts";
import { verifyJournal } from "../../lab/shadow/journal/check.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { segmentsIn } from "../../lab/shadow/journal/segments.ts";
import { temporaryDirectory } from "../directories.ts";
import { Fleet, TERM_MS } from "./restarts.ts";
import { MINUTE_MS } from "./stage.ts";

const RESTARTS = process.env["SOAK"] === undefined ? 10 : 200;
const WATCHES = 430;
const SLOW = 20;
const BIG_RESTARTS = 8;

it(
  `${RESTARTS} restarts with ${WATCHES} watches lose no decision`,
  { timeout: 1_500_000 },
  async () => {
    const fleet = new Fleet(temporaryDirectory(), {
      ...{ services: WATCHES, metrics: ["latency"], watches: WATCHES },
    });
    await fleet.start();
    await fleet.pass(1000);
    await fleet.deploy(0, WATCHES, SLOW);
    let slowestMs = 0;
    for (let restart = 0; restart < RESTARTS; restart++) {
      await fleet.pass(25_000 + (restart % 7) * 2500);
      await fleet.kill();
      slowestMs = Math.max(slowestMs, await fleet.start());
      expect(fleet.host.status()).toMatchObject({ ready: true, holdsLease: true });
    }
    await fleet.pass(MINUTE_MS);
    await fleet.host.stop();
    expect(fleet.notes.filter((note) => note.startsWith("lost the lease"))).toEqual([]);
    expect(fleet.notes.filter((note) => note.includes("not used"))).toEqual([]);
    const decided = new Map<string, number>();
    const ordered: string[] = [];
    const segments = segmentsIn(realDisk(), fleet.journal);
    for (const { log } of segments) {
      for (const { entry } of logEntries(log, true)) {
        if (entry.kind !== "record") continue;
        const { decisionId, decision, deploymentId } = entry.content;
        decided.set(decisionId, (decided.get(decisionId) ?? 0) + 1);
        if (decision === "rollbackOrdered") ordered.push(deploymentId);
      }
    }
    const slow = Array.from({ length: WATCHES }, (_, at) => `d${at}`).filter(
      (_, at) => at % SLOW === 0,
    );
    expect(ordered.sort()).toEqual(slow.sort());
    expect([...decided.values()].filter((times) => times > 1)).toEqual([]);
    const started = [...decided.keys()].filter((id) => id.endsWith("#1") && id.startsWith("d"));
    expect(started).toHaveLength(WATCHES);
    const keys = fleet.sent
      .filter(({ command }) => command.kind === "rollBack")
      .map(({ key }) => key);
    expect(new Set(keys).size).toBe(slow.length);
    for (const { state, misplaced } of verifyJournal(fleet.journal, null)) {
      expect([state.fault, misplaced]).toEqual([null, null]);
    }
    console.info(`${RESTARTS} restarts, the slowest ready after ${Math.round(slowestMs)} ms`);
  },
);

it.runIf(process.env["SOAK"] !== undefined).each([
  { services: 430, metrics: ["latency", "errors", "saturation"], watches: 430 },
  {
    services: 5000,
    metrics: ["latency", "errors", "traffic", "saturation", "conversion"],
    watches: 2000,
  },
])(
  "$services services and $watches watches: ready well inside the lease",
  { timeout: 1_500_000 },
  async (size) => {
    const fleet = new Fleet(temporaryDirectory(), size);
    await fleet.start();
    await fleet.pass(1000);
    await fleet.deploy(0, size.watches, 100);
    await fleet.pass(20 * MINUTE_MS + 37_000);
    let slowestMs = 0;
    for (let restart = 0; restart < BIG_RESTARTS; restart++) {
      await fleet.pass(25_000 + restart * 10_000);
      await fleet.kill();
      slowestMs = Math.max(slowestMs, await fleet.start());
      expect(fleet.host.status()).toMatchObject({ ready: true, holdsLease: true });
    }
    await fleet.kill();
    for (const name of readdirSync(fleet.journal)) {
      if (name.startsWith("state-")) rmSync(join(fleet.journal, name));
    }
    const withoutMs = await fleet.start();
    expect(fleet.host.status().holdsLease).toBe(true);
    console.info(
      `${size.services} services, ${size.watches} watches, ${BIG_RESTARTS} restarts: the slowest ` +
        `ready after ${Math.round(slowestMs)} ms; repeating all of the segment ` +
        `${Math.round(withoutMs)} ms`,
    );
    await fleet.kill();
    expect(fleet.notes.filter((note) => note.startsWith("lost the lease"))).toEqual([]);
    expect(slowestMs).toBeLessThan(TERM_MS);
  },
);
