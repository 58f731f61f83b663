/** The command that answers in a terminal what a page shows, as it can be pasted there. */

import type { Status } from "../../lab/server/contract/history.ts";
import type { PolicySummary } from "../../lab/server/contract/policies.ts";

/**
 * What the command line takes where nothing is said; only what differs is told. Who answers by
 * default depends on the history, so that is always told.
 */
const DEFAULTS: Omit<Status["options"], "people"> = {
  seed: 1,
  replicates: 1000,
  draws: 5,
  effect: "hold",
};

/**
 * @param words a command and what belongs to it, such as `compare --policy a.yaml`; a command of
 *   two words is one of them: `policy suggest`
 * @param takes the options that it has; null while the lab does not know its history yet
 */
export function commandText(
  status: Status | null,
  [command, ...rest]: readonly string[],
  takes: readonly (keyof Status["options"])[] = ["people", "seed", "replicates", "draws", "effect"],
): string {
  const history = status === null ? [] : ["--history", status.directory];
  const options = takes.flatMap((name) => {
    if (status === null) return [];
    const value = status.options[name];
    if (name === "people") return ["--people", String(value)];
    return value === DEFAULTS[name] ? [] : [`--${name}`, String(value)];
  });
  const words = ["hindsight", ...command!.split(" "), ...history, ...rest, ...options];
  return words.map(quoted).join(" ");
}

/** Where a policy's file is; a draft has to be downloaded first, under its name. */
export function fileOf(policies: readonly PolicySummary[], id: string): string {
  const found = policies.find((one) => one.id === id);
  return found?.file ?? `${found?.name ?? id}.yaml`;
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
