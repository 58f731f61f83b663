/** What the numbers of an evaluation cannot say, in words. */

import { formatDuration } from "../../engine/index.ts";
import { counted } from "../counted.ts";
import { labellingNotes } from "../history/labels/choose.ts";
import type { Past } from "../history/open.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import type { Recovery } from "../outcome/recovery.ts";
import { FIELDS } from "../score/fields.ts";
import { estimateIn } from "../score/scorecard.ts";
import { WRONG_SHARE } from "../score/wrongLabels.ts";
import type { Evaluated } from "./evaluate.ts";
import { fieldWords, formatValue } from "./words.ts";

function unaidedText({ unaided }: Recovery): string {
  const mean = formatDuration(unaided.meanMs);
  return unaided.n < 5 ? mean : `${mean}, the mean of ${unaided.n} that history let run`;
}

const isRolledBack = ({ rolledBack }: Outcome): boolean => rolledBack;

/**
 * What the numbers below cannot say.
 *
 * @param asked which policy the question is about, where the others are variants of it
 */
export function notesOf(
  history: Past,
  policies: readonly Evaluated[],
  recovery: Recovery,
  asked?: number,
): string[] {
  const baseline = policies[0]!;
  const notes: string[] = [];
  const { tables } = history;
  const outcomes = standingFor(baseline.outcomes);
  const rollBack = policies.some(({ outcomes }) => standingFor(outcomes).some(isRolledBack));
  if (recovery.failures?.attempts === 0 && rollBack) {
    notes.push("This history records the end of no rollback: no rollback is taken to fail.");
  }
  notes.push(...labellingNotes(history.labelling ?? null));
  if (tables.labels.length === 0) notes.push("No labels: no false-positive rate and no misses.");
  const told = asked === undefined ? policies : [policies[asked]!];
  notes.push(...told.flatMap(wrongLabelsNote));
  const regressions = outcomes.filter(({ label }) => label === "regression");
  const untimed = regressions.filter(({ onsetAtMs }) => onsetAtMs === null).length;
  if (untimed === regressions.length) {
    const also = untimed > 0 ? ", and no cost" : "";
    notes.push(`No regression has a recorded onset: no times to recovery${also}.`);
  } else if (tables.incidents.every(({ resolvedAtMs }) => resolvedAtMs === null)) {
    notes.push("No incident has a recorded end: read time to rollback, not MTTR.");
  }
  if (untimed > 0 && untimed < regressions.length) {
    const soonest = formatDuration(recovery.rollbackMs + recovery.recoveryMs);
    notes.push(
      `${counted(untimed, "regression")} without a recorded onset: in no time to recovery; ` +
        `left alone its cost is that of ${unaidedText(recovery)}, and rolled back that of ` +
        `${soonest} (rollback and recovery) at least.`,
    );
  }
  const bounded = outcomes.filter(
    ({ evidence, censoredAtMs, onsetAtMs, label }) =>
      evidence === "bounded" &&
      (censoredAtMs !== null || onsetAtMs !== null || label !== "regression"),
  ).length;
  if (bounded > 0) {
    notes.push(
      `${counted(bounded, "deployment")} cut short by history's own rollback or without a ` +
        `recorded end (under ${baseline.policy.policy}): ` +
        `regressions among them count ${unaidedText(recovery)}.`,
    );
  }
  return notes;
}

/** What one wrong label in ten would do to each score, beside the score. */
function wrongLabelsNote({ policy, scored }: Evaluated): readonly string[] {
  const { wrongLabels = {} } = scored.scorecard;
  const parts = Object.entries(wrongLabels).map(([name, { low, high }]) => {
    const { unit } = FIELDS.find((field) => field.name === name)!;
    const { value } = estimateIn(scored.scorecard, name);
    const is = value === null ? "unknown" : formatValue(unit, value);
    const [from, to] = [formatValue(unit, low), formatValue(unit, high)];
    return `${fieldWords(name)} ${is} becomes ${from} to ${to}`;
  });
  const share = formatValue("share", WRONG_SHARE);
  return parts.length === 0
    ? []
    : [`If ${share} of the labels were wrong, at random (${policy.policy}): ${parts.join("; ")}.`];
}
