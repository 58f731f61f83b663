/** The thread of one sweep: it is stopped where the sweep is cancelled, in the middle of it. */

import type { Within } from "../../compare/within.ts";
import { budgetWith } from "../../gate/budget.ts";
import { openHistory } from "../../history/open.ts";
import { parseDimension, valueText } from "../../sweep/dimension.ts";
import { writeSweep } from "../../sweep/directory.ts";
import { sweepDocument } from "../../sweep/document.ts";
import { sweep } from "../../sweep/sweep.ts";
import { baseOf, valueNow, type Design } from "../../sweep/variations.ts";
import { answerCalls, startedWith, threadProgress, threadPorts } from "./answering.ts";
import { scoring } from "./asked.ts";
import type { NumberOptions, PolicyRef } from "./evaluations.ts";

export interface SweepOptions {
  readonly history: string;
  readonly numbers: NumberOptions;
}

/** What a chart needs beside the document of `sweep --json`. */
export interface SweepChart {
  readonly knobs: readonly {
    readonly path: string;
    readonly values: readonly string[];
    readonly ordered: boolean;
  }[];
  readonly places: readonly (readonly string[])[];
  readonly incumbentPlace: readonly (string | null)[];
}

const { history: directory, numbers } = startedWith() as SweepOptions;

const calls = {
  /** Writes manifest and results into `out`, whole or not at all. */
  async run(asked: {
    readonly policy: PolicyRef;
    readonly vary: readonly string[];
    readonly design: Design;
    readonly limits: string;
    readonly within: Within | undefined;
    readonly out: string;
  }): Promise<SweepChart> {
    const history = await openHistory(directory, { labels: numbers.labels });
    try {
      const dimensions = asked.vary.map(parseDimension);
      const base = baseOf(asked.policy.text, asked.policy.file);
      const made = { ...numbers, ...threadPorts(), ...scoring(asked.within) };
      const options = { ...made, budget: budgetWith(asked.limits), progress: threadProgress() };
      const swept = await sweep(history, base, asked.vary, dimensions, asked.design, options);
      await writeSweep(asked.out, sweepDocument(swept), true);
      return {
        knobs: dimensions.map((dimension, at) => ({
          path: dimension.path,
          values: dimension.values?.map((value) => valueText(dimension, value)) ?? [
            ...new Set(swept.variations.map((one) => one.values[at]!)),
          ],
          ordered: dimension.ordered,
        })),
        places: swept.variations.map(({ values }) => values),
        incumbentPlace: dimensions.map(({ path }) => valueNow(base, path)),
      };
    } finally {
      history.close();
    }
  },
};

export type SweepCalls = typeof calls;

answerCalls(calls);
