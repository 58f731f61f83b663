/** What is said of a log that another engine wrote: what of it can be made again, and what not. */

import { DECIDES_OTHERWISE, ENGINE_VERSION, JUDGES_OTHERWISE } from "../../engine/index.ts";

/**
 * @param versions of the engines that wrote the log
 * @param judged were its samples judged again as well?
 * @returns null where it was this one alone, and all of it can be made again
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

/** A line for each change that came after one of the versions. */
function changesSince(changes: typeof JUDGES_OTHERWISE, versions: readonly string[]): string {
  const later = changes.filter(({ since }) => versions.some((one) => isNewer(since, one)));
  return later.map(({ since, what }) => `\n  since ${since}: ${what}`).join("");
}

/** Of two versions as `1.2.3`; what is no number counts as none. */
function isNewer(one: string, than: string): boolean {
  const parts = (version: string): number[] => version.split(".").map((part) => parseInt(part, 10));
  const [ours, theirs] = [parts(one), parts(than)];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const [a, b] = [ours[at] || 0, theirs[at] || 0];
    if (a !== b) return a > b;
  }
  return false;
}
