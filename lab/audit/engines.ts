/** Explains what can and cannot be made again from a log that another engine version wrote. */

import { DECIDES_OTHERWISE, ENGINE_VERSION, JUDGES_OTHERWISE } from "../../engine/index.ts";

/**
 * @param versions of the engines that wrote the log
 * @param judged were the judgements made again from samples as well?
 * @returns null where only this version wrote it
 */
export function otherEngines(versions: readonly string[], judged: boolean): string | null {
  const others = versions.filter((version) => version !== ENGINE_VERSION);
  if (others.length === 0) return null;
  const said =
    `Written by engine ${others.join(" and ")}, and this is ${ENGINE_VERSION}: decisions are ` +
    "made again from the judgements that the log has.";
  const decided = changesSince(DECIDES_OTHERWISE, others);
  const written =
    decided === "" ? said : `${said}\nSome may differ, as this engine decides otherwise:${decided}`;
  if (!judged) return written;
  const why = changesSince(JUDGES_OTHERWISE, others);
  if (why === "") return written;
  return (
    `${written}\nIts judgements cannot all be made again from samples: this engine judges some ` +
    `otherwise, which is no fault of the log.${why}`
  );
}

/** One line for each change that is newer than one of the versions. */
function changesSince(changes: typeof JUDGES_OTHERWISE, versions: readonly string[]): string {
  const later = changes.filter(({ since }) => versions.some((one) => isNewer(since, one)));
  return later.map(({ since, what }) => `\n  since ${since}: ${what}`).join("");
}

/** Compares versions such as `1.2.3`; a part that is not a number counts as 0. */
function isNewer(one: string, than: string): boolean {
  const parts = (version: string): number[] => version.split(".").map((part) => parseInt(part, 10));
  const [ours, theirs] = [parts(one), parts(than)];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const [a, b] = [ours[at] || 0, theirs[at] || 0];
    if (a !== b) return a > b;
  }
  return false;
}
