/** Recorded with every decision: which engine made it. */
export const ENGINE_VERSION = "0.3.1";

/**
 * Since which version the same samples are judged otherwise, and in what. Who changes a judgement
 * adds a line and raises the version: a log of an older engine is not judged again the same.
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
];

/**
 * Since which version the same judgements are decided otherwise, and in what: a log of an older
 * engine may differ there.
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
