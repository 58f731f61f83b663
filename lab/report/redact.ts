/**
 * Replaces people in a history before it is used: names become `person-3`, texts that they wrote
 * `words-5`. Equal names get equal pseudonyms, so self-issued tags are still recognised.
 *
 * The numbers follow the order of a hash over the history's digest and the name. They are stable
 * for one history, and cannot be computed from a list of names alone. The digest of the decision
 * log in a redacted report is of the redacted log.
 */

import type { History } from "../history/open.ts";
import { sha256 } from "../policy/load.ts";

export function redacted(history: History): History {
  const { tables, manifest } = history;
  const { deployments, tags, incidents, labels, decisions } = tables;
  const person = pseudonyms("person", manifest.digest, [
    ...deployments.map(({ author }) => author),
    ...tags.flatMap(({ givenBy, approvedBy }) => [givenBy, approvedBy]),
    ...incidents.map(({ resolvedBy }) => resolvedBy),
    ...labels.map(({ labelledBy }) => labelledBy),
    ...decisions.map(({ by }) => by),
  ]);
  const words = pseudonyms("words", manifest.digest, [
    ...decisions.map(({ justification }) => justification),
    ...labels.map(({ basis }) => basis),
  ]);
  return {
    ...history,
    tables: {
      ...tables,
      deployments: deployments.map((row) => ({ ...row, author: person(row.author) })),
      tags: tags.map((row) => ({
        ...row,
        givenBy: person(row.givenBy),
        approvedBy: person(row.approvedBy),
      })),
      incidents: incidents.map((row) => ({ ...row, resolvedBy: person(row.resolvedBy) })),
      labels: labels.map((row) => ({
        ...row,
        labelledBy: person(row.labelledBy),
        basis: words(row.basis),
      })),
      decisions: decisions.map((row) => ({
        ...row,
        by: person(row.by),
        justification: words(row.justification),
      })),
    },
  };
}

function pseudonyms(
  what: string,
  key: string,
  texts: readonly (string | null)[],
): (text: string | null) => string | null {
  const known = [...new Set(texts.filter((text) => text !== null))]
    .map((text) => ({ text, hash: sha256(`${key} ${what} ${text}`) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const numbered = new Map(known.map(({ text }, at) => [text, `${what}-${at + 1}`]));
  return (text) => (text === null ? null : numbered.get(text)!);
}
