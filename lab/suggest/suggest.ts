/**
 * Drafts a policy for a history: what there is to watch, tried on quiet watches, with the most
 * sensitive settings that keep to a stated number of false alarms. Labels are not used in choosing;
 * where there are any, the draft says what it would have caught on them.
 */

import { watches, type Policy } from "../../engine/index.ts";
import { casesOf } from "../detectBench/cases.ts";
import { namesOf } from "../history/metric/seriesName.ts";
import { measureSeries } from "../history/quality.ts";
import type { History } from "../history/open.ts";
import { absent } from "../people/recorded.ts";
import { policyFromText } from "../policy/load.ts";
import { Problem } from "../problem.ts";
import type { Progress } from "../progress.ts";
import { replay } from "../replay/replay.ts";
import { baselineMsOf, laddersOf, watchMsOf, type Ladder } from "./candidates.ts";
import { choose, type Chosen } from "./choose.ts";
import { draftText, SHARE_AT_MOST, type Caught, type Drafted, type FalseAlarms } from "./draft.ts";
import { lookAt } from "./look.ts";
import { benignPast, quietPast } from "./quietPast.ts";

export interface Suggestion extends Omit<Drafted, "chosen"> {
  readonly chosen: Chosen;
  readonly text: string;
  readonly policy: Policy;
}

const WEEK_MS = 604_800_000;
const PER_WEEK = { day: 7, week: 1, month: 7 / 30.44 } as const;

/** @throws Problem where nothing in the history can be watched */
export async function suggestPolicy(
  history: History,
  falseAlarms: FalseAlarms,
  owner: string,
  progress: Progress,
): Promise<Suggestion> {
  const measured = await measureSeries(history);
  const { groups, unwatched } = await lookAt(history, measured);
  if (groups.length === 0) {
    const [first] = unwatched;
    const why = first === undefined ? "it has no series" : `${first.metric}: ${first.why}`;
    throw new Problem(`no metric of this history can be watched (${why})`, {
      file: history.dir,
      cure:
        "`hindsight inspect` shows what each metric is taken for; metric_catalog.csv " +
        "corrects it.",
    });
  }
  const watchMs = watchMsOf(groups);
  const ladders = laddersOf(groups);
  const { perWeek, isAssumed } = deploymentsPerWeek(history);
  const asked = falseAlarms.count * PER_WEEK[falseAlarms.per];
  const share = Math.min(SHARE_AT_MOST, asked / perWeek);
  const baselineMs = Math.max(...groups.map(baselineMsOf));
  const quiet = quietPast(history, measured, { baselineMs, watchMs });
  const benign = benignPast(history);
  const pasts = [quiet, benign].flatMap((past) => past ?? []);
  const chosen =
    pasts.length === 0
      ? withoutQuiet(ladders)
      : await choose(pasts, ladders, share, watchMs, progress);
  const counts = {
    quiet: quiet === null ? null : 0,
    benign: benign === null ? null : pasts.length - 1,
  };
  const drafted = {
    ...{ history: history.dir, digest: history.manifest.digest, owner, falseAlarms },
    ...{ perWeek, isAssumed, share, watchMs, chosen, places: counts, groups, unwatched },
  };
  if (chosen.choices.every((choice) => choice.chosen === null)) {
    throw new Problem("every metric of this history is too wild to be watched", {
      file: history.dir,
      cure: "Allow more with --false-alarms, or import steadier metrics.",
    });
  }
  const policy = policyFromText(draftText({ ...drafted, caught: null }), "suggested.yaml");
  const caught = await caughtBy(history, policy, progress);
  const text = draftText({ ...drafted, caught });
  return { ...drafted, caught, text, policy };
}

/** Nothing was tried: the least sensitive rung of each, which is the careful side. */
function withoutQuiet(ladders: readonly Ladder[]): Chosen {
  const choices = ladders.map((ladder) => {
    return { ladder, chosen: { rung: ladder.rungs.at(-1)!, flagged: [] }, least: [] };
  });
  return { choices, pasts: [] };
}

function deploymentsPerWeek({ tables, series, manifest }: History) {
  const services = new Set(series.map(({ service }) => service)).size;
  const { from, to } = manifest;
  const weeks = from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / WEEK_MS;
  const isAssumed = tables.deployments.length === 0 || weeks === 0;
  const perWeek = isAssumed ? services : tables.deployments.length / Math.max(weeks, 1 / 7);
  return { perWeek, isAssumed };
}

async function caughtBy(
  history: History,
  policy: Policy,
  progress: Progress,
): Promise<Caught | null> {
  const { labels, deployments } = history.tables;
  const isSeen = namesOf(history).some((name) => policy.signals.some((one) => watches(one, name)));
  if (labels.length === 0 || deployments.length === 0 || !isSeen) return null;
  const platform = { rollBack: () => ({ durationMs: 0, succeeds: true }) };
  const cases = casesOf(history, await replay(history, [policy], absent, platform, progress), 0);
  if (cases.length === 0) return null;
  const count = (is: (one: (typeof cases)[number]) => boolean): number => cases.filter(is).length;
  return {
    bad: count(({ bad }) => bad),
    badFlagged: count(({ bad, flagged }) => bad && flagged),
    badUnjudged: count(({ bad, undecided }) => bad && undecided),
    good: count(({ bad }) => !bad),
    goodFlagged: count(({ bad, flagged }) => !bad && flagged),
    goodUnjudged: count(({ bad, undecided }) => !bad && undecided),
  };
}
