/** The section on what tags were worth under the policy in force, and which are of no use. */

import { formatShare } from "../../../engine/index.ts";
import { estimateIn } from "../../score/scorecard.ts";
import {
  caution,
  heading,
  paragraph,
  type Block,
  type Column,
  type Row,
  type Section,
} from "../blocks.ts";
import type { ReportDocument } from "../document.ts";
import { estimateCell, fieldOf } from "./estimate.ts";
import { counted } from "../../counted.ts";

const SHOWN_ARMS: readonly (readonly [string, string])[] = [
  ["falsePositiveRollbacks", "false positives"],
  ["missRate", "missed"],
  ["mttr", "recovery, mean"],
  ["pages", "pages"],
  ["cost", "cost"],
];

type Tags = NonNullable<ReportDocument["tags"]>;

const STALE: Readonly<Record<Tags["stale"][number]["why"], string>> = {
  "about no deployment": "is about no deployment",
  "known too late": "was known only when the watch was over",
  "window missed the watch": "counted at no moment of the watch",
  outlives: "stands more than a day longer than anything it is about",
};

export function tagsSection({ tags, comparison, policies }: ReportDocument): Section {
  const blocks: Block[] = [];
  if (comparison === null) blocks.push(caution("Nothing was replayed: no tag could be valued."));
  else if (tags === null) {
    blocks.push(caution("The history has no tags: what they would be worth it cannot say."));
  } else {
    blocks.push(
      paragraph(
        `${counted(tags.tags, "tag")} of the whole history, as ${policies[0]!.name} reads ` +
          "them. Each line " +
          "is the quarter replayed once more, with the same luck and other tags.",
      ),
      armTable(tags),
      heading("By kind"),
      kindTable(tags),
      heading("Too wide, or of no use"),
      ...hygiene(tags),
    );
  }
  return { id: "tags", title: "What tags were worth", blocks };
}

function armTable({ arms }: Tags): Block {
  const columns: readonly Column[] = [
    { title: "tags" },
    ...SHOWN_ARMS.map(([, title]) => ({ title, align: "right" as const })),
    { title: "end otherwise", align: "right" },
  ];
  const rows = arms.map(({ arm, says, endOtherwise, scorecard }): Row => [
    { text: arm, below: says },
    ...SHOWN_ARMS.map(([name]) => estimateCell(fieldOf(name), estimateIn(scorecard, name))),
    String(endOtherwise),
  ]);
  return { kind: "table", caption: "The quarter with other tags", columns, rows };
}

function kindTable({ kinds }: Tags): Block {
  const share = (value: number | null): string =>
    value === null ? "–" : formatShare(Number(value.toFixed(2)));
  return {
    kind: "table",
    caption: "Kinds of tag",
    columns: [
      { title: "kind" },
      { title: "tags", align: "right" },
      { title: "false positives only it saved", align: "right" },
      { title: "regressions only it masked", align: "right" },
      { title: "change inside what it declared", align: "right" },
      { title: "given by the deployer", align: "right" },
    ],
    rows: kinds.map(({ kind, tags, read, only, coverage, measured, selfIssued }): Row => [
      { text: [{ code: kind }], ...(read ? {} : { below: "no rule of the policy reads it" }) },
      String(tags),
      String(only.saved),
      { text: String(only.masked), tone: only.masked > 0 ? "worse" : "plain" },
      measured === 0 ? "–" : `${share(coverage)} of ${measured}`,
      String(selfIssued),
    ]),
  };
}

function hygiene({ overWide, stale }: Tags): Block[] {
  const blocks: Block[] = [];
  if (overWide.length === 0) blocks.push(paragraph("No service declares far more than it needs."));
  else {
    const percent = (value: number): string => formatShare(Number(value.toFixed(2)));
    blocks.push({
      kind: "table",
      caption: "Declared far wider than the change was",
      columns: [
        { title: "kind" },
        { title: "service" },
        { title: "tags", align: "right" },
        { title: "declared, median", align: "right" },
        { title: "would have done", align: "right" },
      ],
      rows: overWide.map(({ kind, service, tags, medianDeclared, suggested }): Row => [
        [{ code: kind }],
        service,
        String(tags),
        percent(medianDeclared),
        percent(suggested),
      ]),
    });
  }
  if (stale.length === 0) blocks.push(paragraph("No tag is stale."));
  else {
    blocks.push({
      kind: "table",
      caption: `Stale tags: ${stale.length}`,
      columns: [{ title: "tag" }, { title: "service" }, { title: "about" }, { title: "why" }],
      rows: stale.map(({ tag, service, deploymentId, why }): Row => [
        [{ code: tag }],
        service,
        deploymentId ?? "the whole service",
        STALE[why],
      ]),
    });
  }
  return blocks;
}
