/** The version of this engine, which every decision records. */
export const ENGINE_VERSION = "0.5.0";

/**
 * The versions that judge the same samples differently from the one before, and how. Whoever
 * changes a judgement adds an entry and raises the version, because a log of an older engine will
 * not be judged the same again.
 */
export const JUDGES_OTHERWISE: readonly { readonly since: string; readonly what: string }[] = [
  {
    since: "0.2.0",
    what:
      "a season begins earlier, on whole slots, and is no longer dropped where the newest sample " +
      "came late; an incident that was over before a deployment widens no scale",
  },
  {
    since: "0.3.1",
    what: "the reason of what history cut short has its instant in other words; nothing else",
  },
  {
    since: "0.4.0",
    what:
      "a relative change of a series that was below zero is a share of its level, and no value " +
      "below zero is read as zero; a series that went to three times its level or to a third of " +
      "it without a breach is inconclusive, no longer healthy; the baseline of a series with " +
      "fewer than sixty samples a day reaches back to sixty, a week at most; a series with " +
      "samples every three minutes to an hour has a season, where it had none",
  },
  {
    since: "0.4.0",
    what:
      "a version without a past is judged by that of the version before it and, while both " +
      "serve, by the difference at the same instants; it had no verdict",
  },
  {
    since: "0.5.0",
    what:
      "where an incident began before a deployment and was not over when it started, what is " +
      "tolerated counts from the level of the incident, which widens no scale; a signal is " +
      "inconclusive where it lasts to the end of the watch",
  },
];

/**
 * The versions that decide differently from the one before on the same judgements, and how: there
 * the replay of an older log may differ from the log.
 */
export const DECIDES_OTHERWISE: typeof JUDGES_OTHERWISE = [
  {
    since: "0.3.0",
    what:
      "a deployment that becomes known after one of its service that started later is superseded " +
      "by that one, and no longer takes its place",
  },
  {
    since: "0.3.0",
    what:
      "budget, cooldown and storm brake count what happened in the environment of the " +
      "deployment, and no longer what happened in others",
  },
  {
    since: "0.3.1",
    what:
      "the reasons of a budget, a cooldown and a storm brake name the environment; nothing else " +
      "differs",
  },
];
