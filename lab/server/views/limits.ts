/** How much worse each score may become, as a page lets one set it and as a file for `--budget`. */

import { fieldWords } from "../../compare/words.ts";
import { DEFAULT_BUDGET, leftOutOf, type Budget } from "../../gate/budget.ts";
import type { LimitDocument, LimitsSaid } from "../contract/verdict.ts";

export function limitsSaid(budget: Budget): LimitsSaid {
  const limits = limitDocuments(budget);
  const guards = limits.flatMap(({ field, text }) =>
    text === null ? [] : [`  ${field}: ${text}`],
  );
  return { limits, yaml: guards.length === 0 ? "guards: {}\n" : `guards:\n${guards.join("\n")}\n` };
}

export function limitDocuments(budget: Budget): readonly LimitDocument[] {
  const usual = new Map(DEFAULT_BUDGET.guards.map(({ field, margin }) => [field, margin.text]));
  const known = budget.guards.map(({ field, margin }) => ({ field, margin }));
  const off = leftOutOf(budget).map((field) => ({ field, margin: null }));
  const all = [...known, ...off].map(({ field, margin }) => ({
    field: field.name,
    words: fieldWords(field.name),
    unit: field.unit,
    text: margin?.text ?? null,
    margin: margin === null ? null : { amount: margin.amount, of: margin.of },
    default: usual.get(field) ?? null,
  }));
  const order = [...usual.keys()].map(({ name }) => name);
  const placeOf = ({ field }: (typeof all)[number]): number =>
    order.includes(field) ? order.indexOf(field) : order.length;
  return all.sort((a, b) => placeOf(a) - placeOf(b));
}
