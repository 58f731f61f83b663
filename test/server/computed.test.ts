/** Answers that take longer than anybody waits: each is made once, however many are asked for. */

import { setTimeout as passing } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Computed } from "../../lab/server/computed.ts";

describe("a hundred and fifty askers of different things, one maker", () => {
  it("all get their answer, and nothing is made twice", async () => {
    const computed = new Computed(() => null);
    let busy = Promise.resolve();
    let made = 0;
    const make = (answer: number): Promise<number> => {
      const work = busy.then(async () => {
        await passing(10);
        made++;
        return answer;
      });
      busy = work.then(() => undefined);
      return work;
    };
    const askers = Array.from({ length: 150 }, async (_, index) => {
      for (;;) {
        const answer = await computed.of(`what ${index}`, () => make(index), false);
        if (typeof answer === "number") return answer;
        await passing(20);
      }
    });
    expect(await Promise.all(askers)).toEqual(askers.map((_, index) => index));
    expect(made).toBe(150);
  });
});
