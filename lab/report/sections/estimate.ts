/** Turns estimates and differences into table cells. */

import type { Difference } from "../../compare/compare.ts";
import { coinLine } from "../../compare/coinWords.ts";
import { whyTooFew } from "../../compare/enough.ts";
import {
  fieldWords,
  formatDifference,
  formatEnds,
  formatValue,
  restsOnHidden,
  tippingText,
} from "../../compare/words.ts";
import { FIELDS, type Field } from "../../score/fields.ts";
import { identifiedText } from "../../score/identified.ts";
import type { Estimate } from "../../score/scorecard.ts";
import type { Cell, Tone } from "../blocks.ts";
import { differenceChart } from "../charts/difference.ts";

export const CANNOT_SAY = "cannot say";

export function fieldOf(name: string): Field {
  return FIELDS.find((one) => one.name === name)!;
}

/** A value with its interval below. */
export function estimateCell(field: Field, estimate: Estimate | null): Cell {
  if (estimate === null) return { text: "–" };
  const { value, low, high, why, reason } = estimate;
  if (value === null) return { text: CANNOT_SAY, ...(why === undefined ? {} : { below: why }) };
  const text = formatValue(field.unit, value);
  if (reason !== undefined) return { text, below: `${identifiedText(reason)}: no interval` };
  if (low === null || high === null) return { text, below: "no interval" };
  if (low === high) return { text };
  return {
    text,
    below: interval(formatValue(field.unit, low), formatValue(field.unit, high)),
  };
}

/** A line may break between the two ends, never inside one. */
function interval(from: string, to: string): string {
  return [from, to].map((end) => end.replaceAll(" ", "\u00a0")).join(" to ");
}

const TONES: Readonly<Record<Difference["verdict"], Tone>> = {
  better: "better",
  worse: "worse",
  "not distinguishable": "open",
  "too few to tell": "open",
  "no evidence": "open",
};

/** Three cells: the difference in numbers, its chart, and the verdict. */
export function differenceCells(difference: Difference | undefined): readonly Cell[] {
  const field = difference === undefined ? null : fieldOf(difference.field);
  if (difference === undefined || field === null || field.better === null) {
    return [{ text: "" }, { text: "" }, { text: "" }];
  }
  const { unit, low, high, verdict } = difference;
  if (difference.difference === null) {
    return [{ text: "–" }, { text: "" }, { text: CANNOT_SAY, tone: "open" }];
  }
  const say = (value: number): string => formatDifference(unit, value);
  const text = difference.difference === 0 ? "0" : say(difference.difference);
  const ends = formatEnds(difference);
  const below = ends === null ? "no interval" : interval(...ends);
  const label = `${fieldWords(difference.field)}: ${text}, ${below}, ${verdict}`;
  const byCoin = coinLine(difference);
  if (verdict === "too few to tell") {
    const few = [whyTooFew(difference), byCoin].filter((line) => line !== null).join(". ");
    return [{ text, below }, { text: "" }, { text: `? ${verdict}`, below: few, tone: "open" }];
  }
  const isBare = low === null || high === null || (low === 0 && high === 0);
  return [
    { text, ...(low === 0 && high === 0 ? {} : { below }) },
    isBare ? { text: "" } : { text: "", chart: differenceChart(difference, field.better, label) },
    {
      text: verdictText(difference),
      ...(byCoin === null ? {} : { below: byCoin }),
      tone: TONES[verdict],
    },
  ];
}

function verdictText(compared: Difference): string {
  const { verdict, difference, low, high } = compared;
  if (difference === 0 && low === 0 && high === 0) return "= none seen";
  const mark = verdict === "better" ? "+ " : verdict === "worse" ? "− " : "= ";
  if (verdict === "no evidence") return `? ${CANNOT_SAY}`;
  const { ground, tipping } = compared;
  const byModel = ground === "modelled" && tipping !== null ? `; ${tippingText(tipping)}` : "";
  const hidden = byModel === "" && restsOnHidden(compared) ? "; rests on a model" : byModel;
  return `${mark}${verdict}${hidden}`;
}
