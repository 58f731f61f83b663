/** A log's decisions are made again: identical, or every difference by its field. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  CHAIN_START,
  chainEntry,
  learnedFrom,
  type LogEntry,
  type SignalEvidence,
  type SignalJudged,
} from "../../engine/index.ts";
import { replayLog } from "../../lab/audit/replay.ts";
import { logLines, writeText } from "../../lab/audit/write.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { readStory } from "../engine/story.ts";
import { temporaryDirectory } from "../directories.ts";
import { ROOT } from "../history/smallWorld.ts";

let log = "";
let entries: LogEntry[] = [];
let made = 0;

beforeAll(() => {
  const story = join(ROOT, "scenarios/stories/planned-migration-two-minutes.yaml");
  const { policy, run } = readStory(story);
  const { handled } = run().host;
  const section = { policy, caseId: null, history: null, handled, samples: new Map() };
  log = join(temporaryDirectory(), "decisions.jsonl");
  writeText(log, logLines([section], null));
  entries = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LogEntry);
});

/** The log with other entries, and a chain that is whole again: only a replay can tell. */
function rewritten(change: (entries: LogEntry[]) => LogEntry[]): string {
  const file = join(temporaryDirectory(), `changed-${made++}.jsonl`);
  let end = CHAIN_START;
  const lines = change(structuredClone(entries)).map((entry) => {
    const next = chainEntry(end, entry, sha256);
    end = next.end;
    return `${next.line}\n`;
  });
  writeFileSync(file, lines.join(""));
  return file;
}

function changedRecord(change: (record: Record<string, unknown>) => void): string {
  return rewritten((all) => {
    const proposed = all.find(
      ({ kind, content }) => kind === "record" && content.decision === "proposed",
    )!;
    change(proposed.content as unknown as Record<string, unknown>);
    return all;
  });
}

describe("decisions made again", () => {
  it("are identical where nothing changed", () => {
    const replayed = replayLog(log, false);
    expect(replayed).toMatchObject({ sections: 1, decisions: 3, differences: [], filled: [] });
  });

  it("toss the same coins, and tell a coin that was rewritten", () => {
    const { policy, run } = readStory(join(ROOT, "test/traces/coin-waits.yaml"));
    const { handled } = run().host;
    const section = { policy, caseId: null, history: null, handled, samples: new Map() };
    const file = join(temporaryDirectory(), "coins.jsonl");
    writeText(file, logLines([section], null));
    expect(replayLog(file, false).differences).toEqual([]);
    const changed = structuredClone(handled).map((one) => ({
      ...one,
      records: one.records.map((record) =>
        record.coin === undefined
          ? record
          : { ...record, coin: { ...record.coin, propensity: 0.9 } },
      ),
    }));
    writeText(file, logLines([{ ...section, handled: changed }], null));
    expect(replayLog(file, false).differences.length).toBeGreaterThan(0);
  });

  it("are identical where the fleet began with what an older log taught", () => {
    const { policy, run } = readStory(join(ROOT, "scenarios/stories/overrides-teach.yaml"));
    const { handled } = run().host;
    const split = handled.findIndex(
      ({ event }) => event.kind === "deploymentStarted" && event.deployment.deploymentId === "d5",
    );
    const learned = learnedFrom(handled.slice(0, split));
    const section = { policy, caseId: null, history: null, samples: new Map() };
    const later = { ...section, handled: handled.slice(split) };
    const file = join(temporaryDirectory(), "later.jsonl");
    writeText(file, logLines([{ ...later, learned }], null));
    expect(replayLog(file, false).differences).toEqual([]);
    writeText(file, logLines([later], null));
    const { differences } = replayLog(file, false);
    expect(differences[0]).toMatchObject({ decisionId: "d5#2", what: "decided otherwise" });
  });

  it("differ by field, with the event and the reason", () => {
    const { differences } = replayLog(
      changedRecord((record) => {
        record["tier"] = "full";
        record["signals"] = (record["signals"] as object[]).map((one) => ({
          ...one,
          tolerance: 0.2,
        }));
      }),
      false,
    );
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({
      decisionId: "d1#2",
      policy: "two-minute-override",
      what: "decided otherwise",
      because: "latency of d1 was judged breach",
      reason: "latency_p95_ms +14.9 %, 10 % tolerated, for 1m",
      fields: [
        { field: "signals[0].tolerance", logged: 0.2, now: expect.closeTo(0.1) as number },
        { field: "tier", logged: "full", now: "override" },
      ],
    });
  });

  it("are missed where the log lost one, and named where it has one too many", () => {
    const isProposal = ({ kind, content }: LogEntry): boolean =>
      kind === "record" && content.decision === "proposed";
    const lost = replayLog(
      rewritten((all) => all.filter((entry) => !isProposal(entry))),
      false,
    );
    expect(lost.differences).toMatchObject([{ what: "not in the log", decisionId: "d1#2" }]);
    const added = replayLog(
      rewritten((all) =>
        all.flatMap((entry) =>
          isProposal(entry)
            ? [entry, { ...entry, content: { ...entry.content, decisionId: "d1#9" } } as LogEntry]
            : [entry],
        ),
      ),
      false,
    );
    expect(added.differences).toMatchObject([{ what: "not decided now", decisionId: "d1#9" }]);
  });

  it("follow the policy of the log, not its name", () => {
    const stricter = rewritten((all) =>
      all.map((entry) =>
        entry.kind === "header"
          ? {
              ...entry,
              content: {
                ...entry.content,
                policy: {
                  ...entry.content.policy,
                  assign: [{ when: null, tier: "approve" as const }],
                },
              },
            }
          : entry,
      ),
    );
    const fields = replayLog(stricter, false).differences[0]!.fields.map(({ field }) => field);
    expect(fields).toContain("tier");
    expect(fields).toContain("tierPath[0].tier");
  });

  it("do not compare the engine's version, nor fields that the log does not have", () => {
    const older = changedRecord((record) => {
      record["engineVersion"] = "0.0.1";
      delete record["basis"];
    });
    expect(replayLog(older, false).differences).toEqual([]);
  });

  it("stand on today's defaults for keys that an older policy does not have, and say so", () => {
    const older = rewritten((all) =>
      all.map((entry) => {
        if (entry.kind !== "header") return entry;
        const { evidence, ...policy } = entry.content.policy;
        expect(evidence.changeFailureRate).toBe(0.05);
        return { ...entry, content: { ...entry.content, policy } } as LogEntry;
      }),
    );
    expect(replayLog(older, false)).toMatchObject({ differences: [], filled: ["evidence"] });
  });

  const withoutStanding = (event: SignalJudged): LogEntry => {
    const { standing, ...evidence } = event.evidence;
    expect(standing).toBeNull();
    return { kind: "event", content: { ...event, evidence: evidence as SignalEvidence } };
  };

  it("stop where today's engine refuses an event", () => {
    const odd = rewritten((all) =>
      all.map((entry) =>
        entry.kind === "event" && entry.content.kind === "signalJudged"
          ? withoutStanding(entry.content)
          : entry,
      ),
    );
    const [first, ...rest] = replayLog(odd, false).differences;
    expect(first!.what).toBe("refused by the engine");
    expect(rest.map(({ what }) => what)).toContain("not decided now");
  });
});

describe("a log that cannot be replayed", () => {
  const written = (text: string): string => {
    const file = join(temporaryDirectory(), `odd-${made++}.jsonl`);
    writeFileSync(file, text);
    return file;
  };

  it("is empty, and the message says so", () => {
    expect(() => replayLog(written(""), false)).toThrow(/the log is empty/);
    expect(() => replayLog(written(""), true)).toThrow(/the log is empty/);
  });

  it("has no header", () => {
    const headless = rewritten((all) => all.slice(1));
    expect(() => replayLog(headless, false)).toThrow(/:1: the log does not begin with a header/);
  });

  it("is broken, and the message names the line", () => {
    const broken = written(readFileSync(log, "utf8").replace("by dana", "by eve"));
    expect(() => replayLog(broken, false)).toThrow(/:\d+: altered: it has not the hash it bears/);
  });

  it("is still being written, unless told so", () => {
    const unfinished = rewritten((all) => all.slice(0, -1));
    expect(() => replayLog(unfinished, false)).toThrow(/without its last checkpoint/);
    expect(replayLog(unfinished, true).differences).toEqual([]);
  });
});
