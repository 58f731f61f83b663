/** The sections on how far evidence can be trusted, and on what an earlier sweep offers. */

import { formatShare } from "../../../engine/index.ts";
import { fieldWords, formatDifference, formatValue } from "../../compare/words.ts";
import type { Calibration, Reliability } from "../../score/calibration.ts";
import type { Field } from "../../score/fields.ts";
import { budgetText } from "../../sweep/words.ts";
import {
  caution,
  heading,
  list,
  paragraph,
  type Block,
  type Row,
  type Section,
} from "../blocks.ts";
import { frontierChart } from "../charts/frontier.ts";
import { reliabilityChart } from "../charts/reliability.ts";
import type { ReportDocument } from "../document.ts";
import type { SweepInput } from "../sweepInput.ts";
import { cardsOf } from "./scores.ts";
import { counted } from "../../counted.ts";

const FRONT_ROWS = 15;

type OnFront = SweepInput["variations"][number];

const percent = (share: number): string => formatShare(Number(share.toFixed(3)));

export function calibrationSection({ comparison, policies }: ReportDocument): Section {
  const blocks: Block[] = [];
  if (comparison === null) blocks.push(caution("Nothing was replayed: no evidence was weighed."));
  else {
    const found = cardsOf(comparison).map(({ calibration }) => calibration);
    const curves = found.flatMap((one, at) =>
      one?.deployments == null
        ? []
        : [
            {
              name: policies[at]!.name,
              className: at === 0 ? "current" : "candidate",
              curve: one.deployments.curve,
            },
          ],
    );
    if (curves.length > 0) {
      blocks.push({
        kind: "figure",
        chart: reliabilityChart(
          curves,
          "Evidence against how often it was a regression; the same numbers below",
        ),
        caption:
          "Evidence against what was so, over all labelled deployments. On the diagonal it would " +
          "be a probability; below it the policy says more than it is right.",
      });
    }
    found.forEach((one, at) => {
      blocks.push(heading(policies[at]!.name), ...calibrationBlocks(one));
    });
  }
  return { id: "calibration", title: "Can its evidence be trusted", blocks };
}

function calibrationBlocks(found: Calibration | undefined): Block[] {
  if (found?.deployments == null) {
    return [paragraph(`This cannot be said: ${found?.why ?? "it weighs no evidence"}.`)];
  }
  const { proposals, deployments, thresholds } = found;
  const said = [
    ...(proposals === null ? [] : [saidText("Questions", proposals)]),
    saidText("All labelled deployments", deployments),
  ];
  const blocks: Block[] = [list(said)];
  if (deployments.why !== undefined) blocks.push(caution(`Few to go by: ${deployments.why}.`));
  blocks.push({
    kind: "table",
    caption: "Evidence against labels",
    columns: [
      { title: "said" },
      { title: "deployments", align: "right" },
      { title: "were regressions", align: "right" },
    ],
    rows: deployments.curve.map(({ from, to, observed, n }): Row => [
      percent(from) === percent(to) ? percent(from) : `${percent(from)} to ${percent(to)}`,
      String(n),
      percent(observed),
    ]),
  });
  if (thresholds !== null) {
    blocks.push({
      kind: "table",
      caption: "How much evidence each tier asks for",
      columns: [
        { title: "tier" },
        { title: "policy asks for", align: "right" },
        { title: "costs ask to be right", align: "right" },
        { title: "reached" },
      ],
      rows: thresholds.map((one): Row => [
        one.tier,
        percent(one.policy),
        {
          text: percent(one.costs),
          below: `${percent(one.costsIfHalf)} to ${percent(one.costsIfDouble)}, half or twice`,
        },
        deployments.by !== "isotonic"
          ? "too few regressions to say"
          : one.reached === null
            ? "at no evidence"
            : `from ${percent(one.reached.from)} on (${one.reached.n})`,
      ]),
    });
  }
  return blocks;
}

function saidText(of: string, { n, meanConfidence, observed, brier }: Reliability): string {
  return (
    `${of} (${n}): said ${percent(meanConfidence)} on average, ${percent(observed)} were ` +
    `regressions; Brier score ${brier.toFixed(3)}.`
  );
}

export function frontierSection(document: ReportDocument): Section {
  const { sweep, asked } = document;
  const blocks: Block[] = [];
  if (sweep === null) {
    blocks.push(
      caution(
        "This report was made without a sweep, so it does not say whether " +
          (document.policies.length === 1
            ? "another policy is better than this one. "
            : "a third policy is better than both of these. ") +
          "A sweep of the policy in force would:",
      ),
      {
        kind: "command",
        text:
          `hindsight sweep --history ${asked.history} --policy ${asked.policy} \\\n` +
          "  --vary PATH=VALUES --out SWEEP    # then: hindsight report … --sweep SWEEP",
      },
    );
  } else blocks.push(...sweepBlocks(sweep, document));
  return { id: "frontier", title: "Is there something better", blocks };
}

/** A sweep looks for the lowest cost, the decision for more: says where they disagree. */
function besideDecision({ gate }: SweepInput, document: ReportDocument): Block[] {
  const { sweepProposes, decision } = document;
  const budget = gate === null ? [] : [paragraph(budgetText(gate))];
  if (document.policies.length === 1) return budget;
  if (!sweepProposes) {
    return [
      ...budget,
      paragraph(
        "It is another change than the one proposed here: the decision above says nothing of it.",
      ),
    ];
  }
  if (decision.advice === "adopt") return [paragraph("It is the change proposed here.")];
  const guards = (document.gate?.checks ?? [])
    .filter(({ verdict }) => verdict !== "pass")
    .map(({ name }) => fieldWords(name));
  return [
    caution(
      `It is the change proposed here, of which the decision above says: ${decision.title} ` +
        "The sweep chooses by cost, within its own limits; the decision " +
        (guards.length === 0
          ? "asks for something that is better whatever history hid."
          : `asks for the whole budget, which it is not shown to keep: ${guards.join("; ")}.`),
    ),
  ];
}

function sweepBlocks(sweep: SweepInput, document: ReportDocument): Block[] {
  const { recommendation: found, validation, landscape, variations, incumbent, vary } = sweep;
  const tried = counted(variations.length, "variation");
  const heads = {
    recommended: `A sweep of ${tried} recommends a change:`,
    nothing: `Of ${tried} none beats the policy in force:`,
    "cannot say": `A sweep of ${tried}, and this history cannot tell:`,
  };
  const reasons = [...found.reasons, ...found.changes.map(changeText)];
  const front = frontOf(sweep);
  const say = (unit: Field["unit"], value: number | null, times = 1): string =>
    value === null ? "–" : formatValue(unit, value * times);
  const against = (cost: number | null): string =>
    cost === null ? "–" : formatDifference("cost", cost);
  const row = (name: string, scores: SweepInput["incumbent"]["scores"], share: string): Row => [
    name,
    say("cost", scores.cost),
    say("seconds", scores.recoveryMinutes, 60),
    say("share", scores.falsePositiveRate),
    say("share", scores.missRate),
    say("perWeek", scores.nightPages),
    share,
  ];
  return [
    paragraph(heads[found.verdict]),
    list(reasons),
    ...(found.verdict === "recommended" ? besideDecision(sweep, document) : []),
    paragraph(["Varied: ", ...vary.flatMap((one, at) => [at === 0 ? "" : ", ", { code: one }])]),
    {
      kind: "figure",
      chart: frontierChart(sweep, "Variations by false-positive rate and minutes to recovery"),
      caption:
        "Every variation: large rings are on the frontier, the large filled dot is the policy " +
        "in force. Down and to the left is better; point estimates of the whole history.",
    },
    {
      kind: "table",
      caption: "The frontier",
      columns: [
        { title: "policy" },
        { title: "cost of 100", align: "right" },
        { title: "recovery", align: "right" },
        { title: "false positives, at least", align: "right" },
        { title: "missed, at most", align: "right" },
        { title: "night pages a week", align: "right" },
        { title: "on it in resamples", align: "right" },
      ],
      rows: [
        row(`${incumbent.policy} (in force)`, incumbent.scores, ""),
        ...front
          .slice(0, FRONT_ROWS)
          .map(({ name, scores, frontierShare }) =>
            row(name, scores, frontierShare === null ? "–" : percent(frontierShare)),
          ),
      ],
    },
    ...(front.length <= FRONT_ROWS
      ? []
      : [paragraph(`${front.length - FRONT_ROWS} more on the frontier are in sweep.json.`)]),
    heading("Does it survive weeks it was not chosen on"),
    paragraph(`How it was tested: ${validation.how}.`),
    ...(validation.folds.length === 0
      ? []
      : [
          {
            kind: "table" as const,
            caption: "Walk-forward, cost of 100 deployments against the policy in force",
            columns: [
              { title: "chosen in training" },
              { title: "in training", align: "right" as const },
              { title: "on the weeks after", align: "right" as const },
            ],
            rows: validation.folds.map(
              ({ chosen, trainCostDifference, testCostDifference }): Row => [
                chosen ?? "the policy in force",
                against(trainCostDifference),
                against(testCostDifference),
              ],
            ),
          },
        ]),
    ...landscape.warnings.map((warning) => caution(warning)),
  ];
}

/**
 * The variations on the frontier, those first that are on it in most resamples. Variations with the
 * same outcomes become one row with all names; those equal to the policy in force come first.
 */
function frontOf({ variations, alike, incumbent }: SweepInput): readonly OnFront[] {
  const groupOf = new Map(alike.flatMap((group) => group.policies.map((name) => [name, group])));
  const isInForce = ({ name }: OnFront): boolean =>
    groupOf.get(name)?.policies.includes(incumbent.policy) ?? false;
  const leads = ({ name }: OnFront): boolean => {
    const group = groupOf.get(name);
    return (group?.policies.find((other) => other !== incumbent.policy) ?? name) === name;
  };
  return variations
    .filter((one) => one.onFrontier && leads(one))
    .sort(
      (a, b) =>
        Number(isInForce(b)) - Number(isInForce(a)) ||
        (b.frontierShare ?? 0) - (a.frontierShare ?? 0),
    )
    .map((one) => {
      const together = groupOf.get(one.name)?.name ?? one.name;
      return { ...one, name: isInForce(one) ? `the same: ${together}` : together };
    });
}

function changeText({ path, from, to }: { path: string; from: string; to: string }): string {
  return `${path}: ${from} → ${to}`;
}
