/** The JSON of `tags`. */

import type { TagValue } from "./value.ts";

/** @param value null where the history has no tags */
export function tagsDocument(value: TagValue | null) {
  if (value === null) return { tags: 0, answer: "no tags: nothing to value" };
  const { manifest, policy, tags, arms, factorial, kinds, teams, changes, overWide, stale } = value;
  return {
    manifest,
    policy: { name: policy.policy, digest: policy.digest },
    tags: tags.length,
    arms: arms.map(({ arm, says, evaluated, endOtherwise }) => ({
      arm,
      says,
      endOtherwise,
      scorecard: evaluated.scored.scorecard,
    })),
    differences: arms.flatMap(({ againstNone, againstRecorded }) => [
      ...againstNone.map((one) => ({ against: "none", ...one })),
      ...againstRecorded.map((one) => ({ against: "as recorded", ...one })),
    ]),
    tagsByModes: factorial,
    kinds,
    teams,
    changes,
    overWide,
    stale,
  };
}
