/** All sections of a report, in the order in which a reader with five minutes needs them. */

import { caution, list, paragraph, type Block, type Section, type Tone } from "../blocks.ts";
import type { Advice } from "../decision.ts";
import { fieldWords } from "../../compare/words.ts";
import type { ReportDocument } from "../document.ts";
import { faultsSection } from "./faults.ts";
import { incumbentsSection } from "./incumbents.ts";
import { costSection, peopleSection } from "./people.ts";
import { auditSection, qualitySection } from "./quality.ts";
import { breakdownSection, scoresSection } from "./scores.ts";
import { tagsSection } from "./tags.ts";
import { calibrationSection, frontierSection } from "./trust.ts";
import { counted } from "../../counted.ts";

export function sectionsOf(document: ReportDocument): readonly Section[] {
  return [
    ...changeSection(document),
    scoresSection(document),
    breakdownSection(document),
    ...incumbentsSection(document),
    faultsSection(document),
    tagsSection(document),
    peopleSection(document),
    calibrationSection(document),
    frontierSection(document),
    costSection(document),
    qualitySection(document),
    auditSection(document),
  ];
}

export interface Intro {
  readonly title: string;
  readonly eyebrow: string;
  readonly tone: Tone;
  /** The headings of the three sentences. */
  readonly sentenceNames: readonly [string, string, string];
  readonly facts: string;
  readonly footer: string;
}

const TONES: Readonly<Record<Advice, Tone>> = {
  adopt: "better",
  keep: "worse",
  "change nothing yet": "open",
  "no gain": "plain",
  "the same": "plain",
  "cannot say": "open",
  "in force": "plain",
};

export function introOf(document: ReportDocument): Intro {
  const { quarter, decision, asked, audit, policies } = document;
  const [current, next] = policies.map(({ name }) => name) as [string, string?];
  const { days } = document.quality.coverage;
  const sampled = days.filter(({ share }) => share > 0).length;
  return {
    title:
      `Autonomy policy report ${quarter.name}: ` +
      (next === undefined ? current : `${next} against ${current}`),
    eyebrow: `Autonomy policy report · ${quarter.name}`,
    tone: TONES[decision.advice],
    sentenceNames:
      decision.advice === "in force"
        ? ["Rollbacks", "Price", decision.third]
        : ["Decision", "Gain", decision.third],
    facts:
      `${counted(quarter.deployments, "deployment")} · ` +
      `samples on ${sampled} of ${counted(days.length, "day")} · ` +
      `in force: ${current} · ` +
      `${next === undefined ? "" : `proposed: ${next} · `}people: ${asked.people}` +
      (asked.redact ? " · names redacted" : ""),
    footer:
      `Made by hindsight from history ${audit.history.slice(0, 12)}, policies ` +
      `${policies.map(({ digest }) => digest.slice(0, 12)).join(" and ")}.`,
  };
}

/** What would change, and the verdict on each guard of the budget; none without a proposal. */
function changeSection(document: ReportDocument): readonly Section[] {
  const { changes, gate, decision, policies } = document;
  const [current, next] = policies.map(({ name }) => name) as [string, string?];
  if (next === undefined) return [];
  const blocks: Block[] = [];
  blocks.push(
    paragraph(
      decision.advice === "adopt"
        ? `Recommended: replace ${current} by ${next}.`
        : `Recommended: change nothing. What ${next} would change:`,
    ),
    changes.length === 0
      ? paragraph("The two policies say the same.")
      : list(changes.map(({ text }) => text)),
  );
  if (gate === null) {
    blocks.push(caution("No guard could be judged: nothing was replayed."));
  } else {
    blocks.push({
      kind: "table",
      caption: "Guards of the budget: how much worse each may become",
      columns: [{ title: "guard" }, { title: "verdict" }, { title: "why" }],
      rows: gate.checks.map(({ name, verdict, reason }) => [
        fieldWords(name),
        {
          text:
            verdict === "pass"
              ? "✓ within"
              : verdict === "fail"
                ? "✗ worse than allowed"
                : "? not settled",
          tone: verdict === "pass" ? "better" : verdict === "fail" ? "worse" : "open",
        },
        reason,
      ]),
    });
  }
  return [{ id: "change", title: "The change", blocks }];
}
