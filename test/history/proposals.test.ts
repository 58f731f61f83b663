/**
 * Proposals of agents in a history: what is read back, what is left out and why, and that a
 * history without any stays as it was.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { findMapped } from "../../lab/history/import/mapping.ts";
import { RATIONALE_AT_MOST } from "../../lab/history/import/proposals.ts";
import { inspect } from "../../lab/history/inspect.ts";
import { openHistory } from "../../lab/history/open.ts";
import type { ProposalRow } from "../../lab/history/tables.ts";
import { plainFiles, writeFiles } from "./samples.ts";
import { temporaryDirectory } from "../directories.ts";

const HEADER =
  "proposal_id,deployment_id,service,agent,action,confidence,rationale,proposed_at," +
  "answered_by,answer,answered_at";
const GOOD =
  "p1,d1,,sre-agent,rollback,0.87,errors doubled,2026-07-01T01:05:00Z,ann,accepted," +
  "2026-07-01T01:06:00Z";
const BY_SERVICE = ",,shop,sre-agent,Rollback,64%,,2026-07-01T01:30:00Z,,,";

async function imported(dir: string, find = (duck: Duck) => findPlainFiles(dir, duck)) {
  const out = join(temporaryDirectory(), "history");
  const options = { out, force: false, strict: false, timestamp: "start" } as const;
  const { manifest } = await importHistory(find, options);
  const history = await openHistory(out);
  try {
    return { manifest, proposals: history.tables.proposals, told: await inspect(history) };
  } finally {
    history.close();
  }
}
type Duck = Parameters<typeof findPlainFiles>[1];

function withProposals(...lines: string[]): string {
  return writeFiles({ ...plainFiles(), "proposals.csv": [HEADER, ...lines] });
}

/** The first proposal, as an agent logs it. */
const LINE = JSON.stringify({
  ...{ proposal_id: "p1", deployment_id: "d1", agent: "sre-agent", action: "rollback" },
  ...{ confidence: 0.87, rationale: "errors doubled", proposed_at: "2026-07-01T01:05:00Z" },
  ...{ answered_by: "ann", answer: "accepted", answered_at: "2026-07-01T01:06:00Z" },
});

function withLines(...lines: string[]): string {
  const dir = writeFiles(plainFiles());
  writeFileSync(join(dir, "proposals.jsonl"), lines.join("\n"));
  return dir;
}

const FIRST: ProposalRow = {
  proposalId: "p1",
  deploymentId: "d1",
  agent: "sre-agent",
  action: "rollback",
  confidence: 0.87,
  rationale: "errors doubled",
  proposedAtMs: Date.parse("2026-07-01T01:05:00Z"),
  answeredBy: "ann",
  answer: "accepted",
  answeredAtMs: Date.parse("2026-07-01T01:06:00Z"),
};
const SECOND: ProposalRow = {
  proposalId: "sre-agent@2026-07-01T01:30:00.000Z",
  deploymentId: "d1",
  agent: "sre-agent",
  action: "rollback",
  confidence: 0.64,
  rationale: null,
  proposedAtMs: Date.parse("2026-07-01T01:30:00Z"),
  answeredBy: null,
  answer: null,
  answeredAtMs: null,
};

describe("proposals of agents", () => {
  it("are read back, about the newest deployment where only a service is named", async () => {
    const { manifest, proposals, told } = await imported(withProposals(BY_SERVICE, GOOD));
    expect(proposals).toEqual([FIRST, SECOND]);
    expect([manifest.schemaVersion, manifest.rows.proposals]).toEqual([3, 2]);
    expect(told.proposals).toEqual({ total: 2, byAgent: { "sre-agent": 2 } });
  });

  it("come from JSON Lines through a mapping", async () => {
    const dir = writeFiles(plainFiles());
    const rows = [FIRST, SECOND].map((row) => ({
      id: row.proposalId,
      target: { deployment: row.deploymentId },
      by: row.agent,
      verb: "rollback",
      sure: row.confidence,
      why: row.rationale,
      at: new Date(row.proposedAtMs).toISOString(),
      person: row.answeredBy,
      said: row.answer,
      saidAt: row.answeredAtMs === null ? null : new Date(row.answeredAtMs).toISOString(),
    }));
    writeFileSync(join(dir, "agent.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const mapping = `tables:
  metrics: { files: metrics.csv }
  deployments: { files: deployments.csv }
  proposals:
    files: agent.jsonl
    columns:
      proposal_id: id
      deployment_id: target.deployment
      agent: by
      action: verb
      confidence: sure
      rationale: why
      proposed_at: at
      answered_by: person
      answer: said
      answered_at: saidAt
`;
    writeFileSync(join(dir, "mapping.yaml"), mapping);
    const { proposals } = await imported(dir, (duck) =>
      findMapped(join(dir, "mapping.yaml"), duck),
    );
    expect(proposals).toEqual([FIRST, SECOND]);
  });

  it("come from a plain proposals.jsonl, with the columns of the CSV form", async () => {
    const { proposals, manifest } = await imported(
      withLines(
        LINE,
        "",
        JSON.stringify({
          ...{ service: "shop", agent: "sre-agent", action: "Rollback", confidence: "64%" },
          ...{ proposed_at: "2026-07-01T01:30:00Z", answer: null, model: "large", cost: 3 },
        }),
      ),
    );
    expect(proposals).toEqual([FIRST, SECOND]);
    expect(manifest.warnings).toContain("proposals.jsonl: columns not used: model, cost");
    const empty = await imported(withLines());
    expect([empty.proposals, empty.manifest.dropped]).toEqual([undefined, []]);
    const zipped = writeFiles(plainFiles());
    writeFileSync(join(zipped, "proposals.jsonl.gz"), gzipSync(`\uFEFF${LINE}\r\n`));
    expect((await imported(zipped)).proposals).toEqual([FIRST]);
  });

  it("name the file and the line of what is wrong in proposals.jsonl", async () => {
    const { proposals, manifest } = await imported(
      withLines(
        ...['{"agent": "a"', "[1]", LINE.replace('"ann"', '{"name":"ann"}'), LINE],
        ...[LINE.replace("0.87", "87"), "", `"${"x".repeat(1 << 21)}"`],
      ),
    );
    expect(proposals).toEqual([FIRST]);
    expect(manifest.dropped.map(({ reason, rows, examples }) => [reason, rows, examples])).toEqual([
      ["unreadable line: confidence is not a share", 1, ["proposals.jsonl:5"]],
      [
        "unreadable line",
        4,
        [
          "proposals.jsonl:1 (the line is no JSON)",
          "proposals.jsonl:2 (the line is no JSON object)",
          "proposals.jsonl:3 (answered_by is no text, number or list of them)",
        ],
      ],
    ]);
    await expect(imported(withLines("no", "neither"))).rejects.toThrow(
      /proposals\.jsonl:1: the line is no JSON\n {2}Write one JSON object a line/,
    );
    await expect(imported(withLines('{"who": "a"}'))).rejects.toThrow(
      /proposals\.jsonl:1: missing columns: agent, action, confidence, proposed_at/,
    );
    const time = LINE.replace("2026-07-01T01:05:00Z", "yesterday");
    await expect(imported(withLines(LINE.replace("p1", "p2"), time))).rejects.toThrow(
      /proposals\.jsonl:2: "yesterday" is not a time/,
    );
    const both = withLines(LINE);
    writeFileSync(join(both, "proposals.csv"), `${HEADER}\n`);
    await expect(imported(both)).rejects.toThrow(/proposals\.csv and proposals\.jsonl: which one/);
  });

  it("are left out where they cannot be judged, each with its reason and its line", async () => {
    const at = "2026-07-01T01:05:00Z";
    const bad: readonly (readonly [string, string])[] = [
      [`d1,,a,rollback,NaN,,${at},,,`, "confidence is not a share"],
      [`d1,,a,rollback,87,,${at},,,`, "confidence is not a share"],
      [`d1,,a,rollback,,,${at},,,`, "confidence is empty"],
      [`d1,,a,restart,0.9,,${at},,,`, "only proposals to roll back"],
      [`d9,,a,rollback,0.9,,${at},,,`, "unknown deployment"],
      [`,mail,a,rollback,0.9,,${at},,,`, "no deployment of its service"],
      [`,,a,rollback,0.9,,${at},,,`, "neither deployment_id nor service"],
      ["d1,,a,rollback,0.9,,2026-07-01T00:59:00Z,,,", "proposed before its deployment"],
      [`d1,,a,rollback,0.9,,${at},ann,maybe,`, "answer is not one of"],
      [`d1,,a,rollback,0.9,,${at},ann,accepted,2026-07-01T01:00:00Z`, "answered_at is before"],
      [`d1,,${"a".repeat(300)},rollback,0.9,,${at},,,`, "agent is longer than"],
    ];
    const lines = bad.map(([line], index) => `bad${index},${line}`);
    const { proposals, manifest } = await imported(withProposals(GOOD, ...lines));
    expect(proposals).toEqual([FIRST]);
    for (const [index, [, reason]] of bad.entries()) {
      const found = manifest.dropped.find((one) => one.reason.includes(reason));
      expect(found?.examples, reason).toContain(`proposals.csv:${index + 3}`);
    }
    const rows = manifest.dropped.map((one) => one.rows);
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(bad.length);
  });

  it("leave out all rows that share an id", async () => {
    const { proposals, manifest } = await imported(
      withProposals(GOOD, GOOD.replace("0.87", "0.12")),
    );
    expect(proposals).toBeUndefined();
    expect(manifest.dropped[0]).toMatchObject({ table: "proposals", rows: 2 });
  });

  it("leave a history without any as it was", async () => {
    const { manifest: before } = await imported(writeFiles(plainFiles()));
    const { manifest: emptied } = await imported(withProposals());
    expect(before.schemaVersion).toBe(1);
    expect(Object.keys(before.rows)).not.toContain("proposals");
    expect(before.files.map(({ file }) => file)).not.toContain("proposals.parquet");
    expect(emptied.digest).toBe(before.digest);
  });

  it("keep any rationale, cut between characters", async () => {
    const texts = fc.sample(fc.string({ unit: "binary", maxLength: 40 }), { numRuns: 20, seed: 7 });
    const long = "🚒".repeat(RATIONALE_AT_MOST);
    const written = [...texts.map((text) => text.replaceAll("\0", "")), long];
    const dir = writeFiles(plainFiles());
    const rows = written.map((why, at) => ({
      ...{ id: `p${at}`, why, target: "d1", by: "a", verb: "rollback", sure: 0.5 },
      at: "2026-07-01T01:05:00Z",
    }));
    writeFileSync(join(dir, "agent.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const mapping = `tables:
  metrics: { files: metrics.csv }
  deployments: { files: deployments.csv }
  proposals:
    files: agent.jsonl
    columns:
      proposal_id: id
      deployment_id: target
      agent: by
      action: verb
      confidence: sure
      rationale: why
      proposed_at: at
`;
    writeFileSync(join(dir, "mapping.yaml"), mapping);
    const { proposals } = await imported(dir, (duck) =>
      findMapped(join(dir, "mapping.yaml"), duck),
    );
    const read = new Map(proposals!.map((row) => [row.proposalId, row.rationale]));
    for (const [at, text] of written.slice(0, -1).entries()) {
      expect(read.get(`p${at}`)).toBe(text.trim() === "" ? null : text.trim());
    }
    const cut = read.get(`p${written.length - 1}`)!;
    expect(cut.length).toBeLessThanOrEqual(RATIONALE_AT_MOST);
    expect(cut.endsWith("🚒…")).toBe(true);
    expect(() => encodeURIComponent(cut)).not.toThrow();
  });
});
