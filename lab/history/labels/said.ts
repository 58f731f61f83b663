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
/** How a version, a release or a change is named after the verb. */
const WHAT =
  String.raw`(?:v?\d|#|!|pr\b|mr\b|["“'(]|[0-9a-f]{7}|` +
  String.raw`(?:commit|releases?|deploy(?:ment)?s?|build|version)\b)`;
const EARLIER = `(?:${WHAT}|(?:the\\s+)?(?:previous|last|prior|earlier|old|stable|version)\\b)`;
/** Only what is rolled back, or to what, may follow: "Rollback support" names a thing. */
const ROLLS_BACK = new RegExp(
  String.raw`^${PREFIX}(?:auto(?:mated|matic)?[ -])?roll(?:ed|ing|s)?[ -]?back` +
    String.raw`(?:$|\s*[:!.]\s|\s+(?:${WHAT}|(?:to|from)\s+${EARLIER}|` +
    String.raw`of\s+\S+$|[\w.-]+\s+to\s+${EARLIER}))`,
  "i",
);
const REVERTS = new RegExp(
  String.raw`^${PREFIX}revert(?:ed|ing|s)?` +
    String.raw`(?:$|\s*:|\s+(?:${WHAT}|to\s+${EARLIER}|the\s+(?:last|previous)\b))`,
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
