/**
 * The limits on what comes from outside, for the server and the command line alike. Each bounds a
 * cost before the work begins. The longest durations of a policy are those of the policy language:
 * engine/policy/limits.ts.
 */

export interface DocumentLimits {
  /** Letters; the text is in memory several times while it is parsed. */
  readonly letters: number;
  /** Keys and items of lists. The parser compares each key of a map with all the others. */
  readonly entries: number;
  /** Maps and lists within each other. The parser and the checks call themselves for each. */
  readonly depth: number;
  /** Each alias is as dear as all that it stands for. */
  readonly aliases: number;
}

/**
 * A policy. The longest shipped one has 62 lines; an organisation's with a rule for each of 500
 * services has 1,500 entries.
 */
export const POLICY_LIMITS: DocumentLimits = {
  letters: 200_000,
  entries: 4000,
  depth: 40,
  aliases: 100,
};

/** Any other file that people write: a catalog of 20,000 services, a scenario with its samples. */
export const FILE_LIMITS: DocumentLimits = {
  letters: 16_000_000,
  entries: 500_000,
  depth: 40,
  aliases: 1000,
};

/** One value in `--vary` or in a change of a what-if. */
export const VALUE_LIMITS: DocumentLimits = {
  letters: 2000,
  entries: 200,
  depth: 20,
  aliases: 20,
};

/** Policies of one sweep. Each is parsed, judged and scored over the whole history. */
export const SWEPT_AT_MOST = 10_000;
/** Parts of a path such as `tiers.override.window`; no policy is as deep. */
export const PATH_PARTS_AT_MOST = 20;
/** Problems that are told of one document; the first ones are what a person mends first. */
export const PROBLEMS_SHOWN = 50;

/** What a server does and keeps for its visitors. */
export const SERVER_LIMITS = {
  /** Of a request, before its JSON is parsed. */
  bodyBytes: 512 * 1024,
  /** Requests that are worked on at once, and those that wait for one of them. */
  requestsAtOnce: 64,
  requestsWaiting: 256,
  /** Answers that are being made at once, each by a process that makes one after the other. */
  answersInTheMaking: 256,
  /** Policies of one comparison: each is judged over the whole history. */
  policiesAtOnce: 12,
  /** Sweeps that wait for their turn. */
  sweepsWaiting: 20,
  /** A process that says nothing for so long is taken for hung, and is replaced. */
  checkMs: 20_000,
  dragMs: 20_000,
  workMs: 600_000,
  /** Of the heap of a process: what needs more ends that process, and not the machine. */
  checkHeapMb: 512,
  dragHeapMb: 2048,
  workHeapMb: 4096,
} as const;
