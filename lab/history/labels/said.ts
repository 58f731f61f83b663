/**
 * What the words of a deployment say about it: that it rolls something back, and what. Only words
 * at the beginning of a title count, because "Fix the rollback button" rolls nothing back.
 */

/** What a source tells of a deployment beside what the history keeps; absent values are null. */
export interface SaidOf {
  readonly title: string | null;
  readonly description: string | null;
  /** The type of the event or task, such as `dev.cdevents.service.rolledback.0.2.0`. */
  readonly event: string | null;
  /** DORA's field: did this change fail in production? */
  readonly changeFailure: boolean | null;
}

export type SaidBy = "service.rolledback" | "revert commit" | "title";

export interface SaidRollback {
  readonly by: SaidBy;
  /** The words that say so. */
  readonly words: string;
  /** The commit or title of the change that is taken back; null where the words do not name it. */
  readonly of: { readonly commit: string } | { readonly title: string } | null;
}

/** A ticket, or the type of a conventional commit, may stand before the words. */
const PREFIX = [
  String.raw`(?:\[[^\]]{1,40}\]\s*`,
  String.raw`[A-Z]{2,10}-\d{1,9}:?\s+`,
  String.raw`(?:hotfix|fix|chore|ci|deploy|emergency)(?:\([^)]{1,40}\))?!?:\s*)*`,
].join("|");
/** "Rollback support" and the like name a thing of that name. */
const THINGS =
  "support|button|script|plan|tests?|testing|logic|handl\\w+|feature|strateg\\w+|window|docs?|" +
  "documentation|polic\\w+|api|endpoint|mechanism|procedure|command|flow|metrics?|alerts?|jobs?|" +
  "safety|automation|for|in|on|when|if|is|should|now";
const ROLLS_BACK = new RegExp(
  `^${PREFIX}(?:auto(?:mated|matic)?[ -])?roll(?:ed|ing|s)?[ -]?back\\b(?!\\s+(?:${THINGS})\\b)`,
  "i",
);
const REVERTED = String.raw`["“']|to\s|commit|release|deploy|the|pr\b|#|mr\b|!|v?\d|[0-9a-f]{7}`;
const REVERTS = new RegExp(
  String.raw`^${PREFIX}revert(?:ed|ing|s)?(?:$|:|\s+(?:${REVERTED}))`,
  "i",
);
const REVERT_OF_REVERT = new RegExp(
  String.raw`^${PREFIX}(?:revert\s+["“']revert|reland|reapply)`,
  "i",
);
const QUOTED = /^[^"“]*["“](.+)["”][^"”]*$/;
const COMMIT = /\breverts commit ([0-9a-f]{7,40})\b/i;

const LONGEST = 500;

/** Does it roll something back, by its own words? Null where they do not say so. */
export function saidRollback({ title, description, event }: SaidOf): SaidRollback | null {
  const named = (title ?? "").slice(0, LONGEST).trim();
  // What takes back a revert brings the change in again.
  if (REVERT_OF_REVERT.test(named)) return null;
  const commit = COMMIT.exec((description ?? "").slice(0, 20 * LONGEST))?.[1]?.toLowerCase();
  const task = (event ?? "").toLowerCase();
  if (/\bservice\.rolledback\b|(?:^|[:.])roll[-_]?back$/.test(task)) {
    return {
      by: "service.rolledback",
      words: event!,
      of: commit === undefined ? null : { commit },
    };
  }
  if (commit !== undefined) {
    return { by: "revert commit", words: `reverts commit ${commit}`, of: { commit } };
  }
  if (REVERTS.test(named)) {
    const quoted = QUOTED.exec(named)?.[1];
    return {
      by: quoted === undefined ? "title" : "revert commit",
      words: named,
      of: quoted === undefined ? null : { title: quoted },
    };
  }
  return ROLLS_BACK.test(named) ? { by: "title", words: named, of: null } : null;
}

const YES = new Set(["true", "yes", "1", "failed", "failure"]);
const NO = new Set(["false", "no", "0", "succeeded", "success"]);

/** A word of `change_failure`; undefined where it is none. */
export function readChangeFailure(word: string): boolean | undefined {
  const lower = word.toLowerCase();
  return YES.has(lower) ? true : NO.has(lower) ? false : undefined;
}
