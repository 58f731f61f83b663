/** The section with every false-positive rollback and every miss, their evidence and links. */

import { formatShare } from "../../../engine/index.ts";
import { caution, paragraph, type Block, type Cell, type Row, type Section } from "../blocks.ts";
import type { ReportDocument } from "../document.ts";
import type { Fault, FaultRow, Seen } from "../evidence.ts";
import { CAUSE_PARTS, causeCount, causedBy, causeWords } from "../../causes/words.ts";
import type { CauseCount } from "../../causes/tally.ts";
import { counted } from "../../counted.ts";
import { deploymentPiece } from "./deploymentPiece.ts";
import { cardsOf } from "./scores.ts";

const TITLES: readonly (readonly [Fault, string])[] = [
  ["false positive", "False-positive rollbacks"],
  ["miss", "Regressions that were missed"],
];

export function faultsSection(document: ReportDocument): Section {
  const { comparison, faults, asked, policies } = document;
  const blocks: Block[] = [];
  if (comparison === null) {
    blocks.push(caution("Nothing was replayed: no rollback and no miss can be named."));
  } else if (comparison.manifest.notes.some((one) => one.startsWith("No labels"))) {
    blocks.push(
      caution("There are no labels, so it is unknown which rollbacks were wrong. None is listed."),
    );
  } else {
    blocks.push(
      paragraph([
        (policies.length === 1
          ? "One line for what the policy did and why. "
          : "Under either policy, one line for what each did and why. ") +
          "The numbers above are means " +
          `over ${counted(comparison.manifest.draws, "draw")} of luck; ` +
          "names are those of the first draw. " +
          (asked.lab === "" ? "To see one" : "A name opens in the lab while it runs ("),
        ...(asked.lab === ""
          ? []
          : [{ code: `hindsight serve --history ${asked.history}` }, "), or"]),
        " on a terminal:",
      ]),
      {
        kind: "command",
        text:
          `hindsight explain --history ${asked.history} \\\n` +
          `  --policy ${asked.policy} --deployment NAME`,
      },
    );
    const causes = causesTable(comparison, policies);
    if (causes !== null) blocks.unshift(causes);
    for (const [fault, title] of TITLES) {
      const rows = faults.filter((row) => row.fault === fault);
      blocks.push({ kind: "heading", text: `${title}: ${countText(rows, policies)}` });
      if (rows.length === 0) continue;
      blocks.push({
        kind: "table",
        caption: policies.length === 1 ? "What it did, and why" : "What each policy did, and why",
        columns: [{ title: "deployment" }, ...policies.map(({ name }) => ({ title: name }))],
        rows: rows.map((row) => rowOf(row, document)),
      });
    }
  }
  return { id: "faults", title: "False positives and misses, one by one", blocks };
}

/** Why each policy missed and what fooled it; null in reports of earlier versions. */
function causesTable(
  comparison: NonNullable<ReportDocument["comparison"]>,
  policies: ReportDocument["policies"],
): Block | null {
  const found = cardsOf(comparison).flatMap(({ causes }) => causes ?? []);
  if (found.length < policies.length) return null;
  const rows: Row[] = [];
  const groups = new Map<number, string>();
  for (const [of, title] of CAUSE_PARTS) {
    const all = found.map((one) => {
      const counts: readonly CauseCount<string>[] = one[of] ?? [];
      return new Map(counts.map((count) => [count.cause, count]));
    });
    if (of === "agents" && all.every(({ size }) => size === 0)) continue;
    groups.set(rows.length, title);
    for (const cause of new Set(all.flatMap((one) => [...one.keys()]))) {
      rows.push([
        causeWords(of, cause),
        ...all.map((one): Cell => {
          const own = one.get(cause);
          if (own === undefined) return { text: "–" };
          return { text: causeCount(own.count), below: causedBy(own.by) };
        }),
      ]);
    }
  }
  if (rows.length === 0) return null;
  const columns = [{ title: "" }, ...policies.map(({ name }) => ({ title: name }))];
  return { kind: "table", caption: "Causes, as means over the draws", columns, rows, groups };
}

function countText(rows: readonly FaultRow[], policies: ReportDocument["policies"]): string {
  if (rows.length === 0) return policies.length === 1 ? "none" : "none under either";
  return policies
    .map(({ name }, at) => {
      const side = at === 0 ? "current" : "candidate";
      return `${rows.filter((row) => row[side]?.fault === true).length} under ${name}`;
    })
    .join(", ");
}

function rowOf(row: FaultRow, { asked, policies }: ReportDocument): Row {
  const { deploymentId, service, team, label, startedAt, current, candidate } = row;
  return [
    {
      text: [deploymentPiece(asked, policies, deploymentId)],
      below:
        `${service}${team === null ? "" : `, ${team}`}, ` +
        `${startedAt.slice(0, 16).replace("T", " ")} UTC, labelled ${label}`,
    },
    seenCell(current),
    ...(candidate === null ? [] : [seenCell(candidate)]),
  ];
}

/** `rollbackFailed` → `rollback failed`. */
function inWords(end: string): string {
  return end.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function seenCell({ end, fault, tier, confidence, evidence, reason }: Seen): Cell {
  const sure =
    confidence === null ? "" : `, evidence ${formatShare(Number(confidence.toFixed(2)))}`;
  const where = tier === null ? "" : ` in tier ${tier}${sure}`;
  const known = evidence === "observed" ? "" : ` (${evidence})`;
  return {
    text: `${fault ? "✗" : "✓"} ${inWords(end)}${where}${known}`,
    below: reason,
    tone: fault ? "worse" : "plain",
  };
}
