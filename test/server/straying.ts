/** A thread that can be hung and exhausted, as a call that slipped through the limits would. */

import { answerCalls } from "../../lab/server/threads/answering.ts";

const calls = {
  echo: (asked: string): string => asked,
  hang(): never {
    for (;;);
  },
  exhaust(): number {
    const kept: number[][] = [];
    for (;;) kept.push(Array.from({ length: 100_000 }, (_, at) => at + kept.length));
  },
};

export type StrayingCalls = typeof calls;

answerCalls(calls);
