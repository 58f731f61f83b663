/** Explains one deployment, from a history that is replayed or from a decision log. */

import {
  ENGINE_VERSION,
  explain,
  type ExplanationNode,
  type Handled,
  type Policy,
} from "../../engine/index.ts";
import { readSections } from "../audit/read.ts";
import { casesOf } from "../confidence/cases.ts";
import type { Progress } from "../progress.ts";
import type { LabelChoice, Labelling } from "../history/labels/choose.ts";
import { openHistory } from "../history/open.ts";
import { recoveryOf } from "../outcome/recovery.ts";
import {
  choosePeople,
  peopleAsked,
  type PeopleAsked,
  type PeopleChoice,
} from "../people/choose.ts";
import { Problem } from "../problem.ts";
import { replay } from "../replay/replay.ts";
import { learnedNode } from "./learned.ts";
import { firstDraw, lessonsOf, type TwoLessons } from "./lessons.ts";
import { nearestNames } from "./nearest.ts";

const SUGGESTED = 3;

export interface Explanation {
  readonly policy: Policy;
  readonly tree: ExplanationNode;
  /** What it teaches; absent where it is of a log, which holds no labels. */
  readonly lesson?: TwoLessons;
  readonly madeFrom: MadeFrom;
}

/** What makes an explanation again, beside its policy. */
export interface MadeFrom {
  /** Of a log, the engine that wrote it. */
  readonly engineVersion: string;
  /** Its digest; null where a log was written from none. */
  readonly history: string | null;
  /** Null for a log, which has the answers themselves. */
  readonly asked: (PeopleAsked & { readonly seed: number }) | null;
  /** On which labels it rests; absent where none were derived. */
  readonly labels?: Labelling;
}

interface Section {
  readonly policy: Policy;
  readonly handled: readonly Handled[];
  readonly madeFrom: MadeFrom;
}

/** @throws Problem, with the nearest ids, when the history has no such deployment */
export async function explainHistory(
  dir: string,
  policy: Policy,
  deploymentId: string,
  people: PeopleChoice,
  seed: number,
  progress: Progress,
  labels?: LabelChoice,
): Promise<Explanation> {
  const history = await openHistory(dir, { labels });
  try {
    // Checked before the replay, which takes long.
    const ids = history.tables.deployments.map((row) => row.deploymentId);
    if (!ids.includes(deploymentId)) throw unknown(dir, deploymentId, ids);
    const chosen = choosePeople(history, people, seed);
    const who = chosen.responder(0);
    const platform = recoveryOf(history.tables, seed);
    const draws = await firstDraw(history, policy, chosen, platform, seed);
    const replayed = await replay(history, [policy], who, platform, progress, { draws });
    const madeFrom: MadeFrom = {
      engineVersion: ENGINE_VERSION,
      history: history.manifest.digest,
      asked: { ...peopleAsked(people, chosen), seed },
      ...(history.labelling === undefined ? {} : { labels: history.labelling }),
    };
    const fleets = replayed.policies[0]!.fleets();
    const sections = fleets.map(({ handled }) => ({ policy, handled, madeFrom }));
    const explanation = {
      ...explained(dir, sections, deploymentId),
      lesson: lessonsOf(history, replayed, deploymentId, who, platform),
    };
    if (history.tables.labels.length === 0) return explanation;
    const learned = learnedNode(casesOf(history, replayed, 0), deploymentId);
    if (learned === null) return explanation;
    const { tree } = explanation;
    return { ...explanation, tree: { ...tree, children: [...tree.children, learned] } };
  } finally {
    history.close();
  }
}

/**
 * @param named the policy to explain; may be null where the log has only one
 * @throws Problem when the log is damaged, or has no such policy or deployment
 */
export function explainLog(file: string, deploymentId: string, named: string | null): Explanation {
  const sections = readSections(file, true).map(({ header, handled }) => ({
    policy: header.policy,
    handled,
    madeFrom: { engineVersion: header.engineVersion, history: header.history, asked: null },
  }));
  const names = [...new Set(sections.map(({ policy }) => policy.policy))];
  if (named === null && names.length > 1) {
    throw new Problem(`this log has several policies: ${names.join(", ")}`, {
      file,
      cure: "Say which one is meant: --policy NAME.",
    });
  }
  const name = named ?? names[0]!;
  if (!names.includes(name)) {
    throw new Problem(`this log has no policy ${name}`, {
      file,
      cure: `It has ${names.join(", ")}.`,
    });
  }
  const meant = sections.filter(({ policy }) => policy.policy === name);
  return explained(file, meant, deploymentId);
}

function explained(file: string, sections: readonly Section[], deploymentId: string): Explanation {
  for (const { policy, handled, madeFrom } of sections) {
    const tree = explain(policy, handled, deploymentId);
    if (tree !== null) return { policy, tree, madeFrom };
  }
  const ids = sections.flatMap(({ handled }) =>
    handled.flatMap(({ event }) =>
      event.kind === "deploymentStarted" ? [event.deployment.deploymentId] : [],
    ),
  );
  throw unknown(file, deploymentId, ids);
}

function unknown(file: string, deploymentId: string, ids: readonly string[]): Problem {
  const near = nearestNames(deploymentId, ids, SUGGESTED);
  return new Problem(`there is no deployment ${deploymentId}`, {
    file,
    cure: near.length === 0 ? "There is none at all." : `The nearest ids are ${near.join(", ")}.`,
  });
}
