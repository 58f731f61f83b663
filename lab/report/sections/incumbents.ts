/**
 * The section on what the team runs today: why it rolled healthy deployments back, and who was
 * right where it and the other policy differ. Only where one of the policies is an incumbent.
 */

import type { IncumbentCause } from "../../../engine/index.ts";
import {
  CAUSES,
  SIDES,
  sideText,
  wrongRollbackText,
  type Disagreement,
} from "../../compare/incumbents.ts";
import {
  agreementText,
  endText,
  whyText,
  type RecordAgreement,
} from "../../compare/incumbentRecord.ts";
import { countText } from "../../counted.ts";
import {
  list,
  paragraph,
  type Block,
  type Cell,
  type Piece,
  type Row,
  type Section,
} from "../blocks.ts";
import type { ReportDocument } from "../document.ts";
import { deploymentPiece } from "./deploymentPiece.ts";

const CAUSE_TITLES: Readonly<Record<IncumbentCause, string>> = {
  condition: "a number beyond its condition",
  conditionError: "its condition errs on a number",
  noData: "missing data",
  queryFailed: "the query failed",
};

/** Of each side so many are named; `--json` has all. */
const NAMED = 5;
/** So many deployments in which an emulation and its record differ are shown. */
const DIFFERING = 10;

export function incumbentsSection(document: ReportDocument): readonly Section[] {
  const incumbents = document.comparison?.incumbents;
  if (incumbents === undefined) return [];
  const { wrongRollbacks, disagreements, agreements } = incumbents;
  const blocks: Block[] = [
    list(wrongRollbacks.map((one) => `${wrongRollbackText(one)}.`)),
    paragraph(
      "The measurement that decided says why: of three failures in a row that reach a limit, the " +
        "third. All of this is of the first draw.",
    ),
  ];
  for (const { policy, rolledBack, causes } of wrongRollbacks) {
    if (causes === null || rolledBack.length === 0) continue;
    const total = rolledBack.length;
    blocks.push({
      kind: "table",
      caption: `Healthy deployments that ${policy} rolled back, by why`,
      columns: [
        { title: "why" },
        { title: "deployments", align: "right" },
        { title: "share", align: "right" },
      ],
      rows: CAUSES.map((cause): Row => {
        const ids = causes[cause];
        const share = `${((100 * ids.length) / total).toFixed(0)} %`;
        return [withNames(document, CAUSE_TITLES[cause], ids), countText(ids.length), share];
      }),
    });
  }
  for (const one of disagreements) blocks.push(rightTable(document, one));
  for (const one of agreements) blocks.push(...recordBlocks(document, one));
  return [{ id: "incumbent", title: "What your team runs today", blocks }];
}

/** How far the emulation is to be believed, by what the system itself did. */
function recordBlocks(document: ReportDocument, one: RecordAgreement): readonly Block[] {
  const { asked, policies } = document;
  const said = paragraph(agreementText(one));
  if (one.record === null || one.record.differing.length === 0) return [said];
  const { differing, different } = one.record;
  const rows = differing.slice(0, DIFFERING);
  const which = rows.length < different ? `; the first ${rows.length} of ${different}` : "";
  const table: Block = {
    kind: "table",
    caption: `Where ${one.policy} and its own record differ${which}`,
    columns: [
      { title: "deployment" },
      { title: "record" },
      { title: "emulated" },
      { title: "what can explain it" },
    ],
    rows: rows.map(({ deploymentId, why, record, emulation }): Row => [
      [deploymentPiece(asked, policies, deploymentId)],
      endText(record),
      endText(emulation),
      whyText(why),
    ]),
  };
  return [said, table];
}

function rightTable(document: ReportDocument, one: Disagreement): Block {
  const { baselinePolicy, candidatePolicy } = one;
  return {
    kind: "table",
    caption: `Where only one of ${baselinePolicy} and ${candidatePolicy} rolls back, by label`,
    columns: [{ title: "who was right" }, { title: "deployments", align: "right" }],
    rows: SIDES.map((side): Row => [
      withNames(document, sideText(side, one), one[side]),
      countText(one[side].length),
    ]),
  };
}

/** The first deployments below. */
function withNames(document: ReportDocument, text: string, ids: readonly string[]): Cell {
  if (ids.length === 0) return { text };
  const { asked, policies } = document;
  const links = ids.slice(0, NAMED).flatMap((id, place): readonly Piece[] => {
    return [...(place === 0 ? [] : [", "]), deploymentPiece(asked, policies, id)];
  });
  const rest = ids.length - NAMED;
  return { text, below: rest > 0 ? [...links, `, and ${countText(rest)} more`] : links };
}
