/** What is said of a log that another engine wrote: what of it can be made again, and what not. */

import { ENGINE_VERSION, JUDGES_OTHERWISE } from "../../engine/index.ts";

/**
 * @param versions of the engines that wrote the log
 * @param judged were its samples judged again as well?
 * @returns null where it was this one alone, and all of it can be made again
 */
export function otherEngines(versions: readonly string[], judged: boolean): string | null {
  const others = versions.filter((version) => version !== ENGINE_VERSION);
  if (others.length === 0) return null;
  const written =
    `Written by engine ${others.join(" and ")}, and this is ${ENGINE_VERSION}: decisions are ` +
    "made again from the judgements that the log has.";
  if (!judged) return written;
  const otherwise = JUDGES_OTHERWISE.filter(({ since }) =>
    others.some((one) => isNewer(since, one)),
  );
  const why = otherwise.map(({ since, what }) => `\n  since ${since}: ${what}`).join("");
  if (why === "") return written;
  return (
    `${written}\nIts judgements cannot all be made again from samples: this engine judges some ` +
    `otherwise, which is no fault of the log.${why}`
  );
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
