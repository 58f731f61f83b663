/** A thread that a call hangs or exhausts is replaced, and the calls behind it are answered. */

import { expect, test } from "vitest";
import { Refusal } from "../../lab/server/problems.ts";
import { Thread } from "../../lab/server/threads/thread.ts";
import type { StrayingCalls } from "./straying.ts";

function straying(silentMs: number, heapMb: number) {
  const told = { replaced: 0, ended: 0 };
  const thread = new Thread<StrayingCalls>(
    "../../../test/server/straying",
    null,
    { silentMs, heapMb },
    { replaced: () => told.replaced++, ended: () => told.ended++ },
  );
  return { thread, told };
}

test.each([
  ["hang", 1000, 512],
  ["exhaust", 60_000, 40],
] as const)("after a call that would %s", async (stray, silentMs, heapMb) => {
  const { thread, told } = straying(silentMs, heapMb);
  expect(await thread.ask("echo", "before")).toBe("before");
  const [lost, ...others] = await Promise.allSettled([
    thread.ask(stray, undefined as never),
    thread.ask("echo", "behind"),
    thread.ask("echo", "further behind"),
  ]);
  expect(lost.status === "rejected" && lost.reason).toBeInstanceOf(Refusal);
  expect((lost as PromiseRejectedResult).reason).toMatchObject({ kind: "unavailable" });
  expect(others).toMatchObject([{ value: "behind" }, { value: "further behind" }]);
  expect(await thread.ask("echo", "after")).toBe("after");
  expect(told).toEqual({ replaced: 1, ended: 0 });
  await thread.stop();
});
