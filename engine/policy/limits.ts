/**
 * The longest durations and lists that a policy may ask for. A longer one is a slip of the pen
 * (`36500d` for `365d`), and replaying it would take memory and time without an answer: work
 * grows with the length of a watch, and no deployment is watched for longer than a month.
 */

const DAY_MS = 86_400_000;

/** A watch, and all that runs within one: holds, windows, answers, baselines before it. */
export const WAIT_AT_MOST_MS = 30 * DAY_MS;
/** The same in samples: a day of minutes. */
export const SAMPLES_AT_MOST = 1440;
/** A change freeze may be declared for a quarter; nothing holds for longer than a year. */
export const TAG_AT_MOST_MS = 365 * DAY_MS;
/** How much of the past a calibration or learning may read. */
export const PAST_AT_MOST_MS = 365 * DAY_MS;
/** A budget, a cooldown or a brake counts what happened within a week. */
export const BUDGET_AT_MOST_MS = 7 * DAY_MS;
/** A storm is over within a day. */
export const STORM_AT_MOST_MS = DAY_MS;
/** Steps of an escalation: more people than that are never asked one after the other. */
export const ESCALATIONS_AT_MOST = 20;
/** Each signal costs a detector for every series of every deployment. */
export const SIGNALS_AT_MOST = 64;
