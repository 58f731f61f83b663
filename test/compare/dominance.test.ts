/** Which of two policies cannot act later. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { soonerOf } from "../../lab/compare/dominance.ts";
import { openHistory } from "../../lab/history/open.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { evaluated, HOOK_MS, policyFile, smallHistory } from "../history/smallWorld.ts";

const TEXT = readFileSync(policyFile("two-minute-override"), "utf8");
const written = (name: string, change: (text: string) => string = (text) => text): Policy =>
  policyFromText(change(TEXT).replace(/^policy: .*/m, `policy: ${name}`), `${name}.yaml`);
const NOW = written("now");
const finer = (text: string): string => text.replaceAll("tolerance: 10%", "tolerance: 5%");

describe("the policy that cannot act later", () => {
  test.each<[string, (text: string) => string]>([
    ["tolerates less", finer],
    ["holds shorter", (text) => text.replaceAll("hold: 60s", "hold: 30s")],
    [
      "watches more",
      (text) =>
        text.replace(
          "fusion: any",
          "  tail:\n    metric: latency_p99_ms\n    worse: up\n    tolerance: 10%\nfusion: any",
        ),
    ],
  ])("%s", (_what, change) => {
    expect(soonerOf(NOW, written("other", change))).toBe("candidate");
    expect(soonerOf(written("other", change), NOW)).toBe("baseline");
  });

  test.each<[string, (text: string) => string]>([
    ["says the same", (text) => text],
    [
      "tolerates less of one signal and more of another",
      (text) => finer(text).replace("1pp", "2pp"),
    ],
    ["waits longer as well", (text) => finer(text).replace("window: 2m", "window: 5m")],
    [
      "may use up what its machine may do",
      (text) => finer(text).replace("guardrails:\n", "guardrails:\n  cooldown: 1h\n"),
    ],
    [
      "is acquitted by its peers",
      (text) => finer(text).replaceAll("hold: 60s", "hold: 60s\n    control: peers"),
    ],
  ])("is neither where one %s", (_what, change) => {
    expect(soonerOf(NOW, written("other", change))).toBeNull();
  });

  test("is never later, and is not bounded as if it were", { timeout: HOOK_MS }, async () => {
    const history = await openHistory(await smallHistory());
    const { policies, differences } = await evaluated(history, [NOW, written("finer", finer)]);
    history.close();
    const [now, sooner] = policies;
    let acted = 0;
    now!.outcomes.forEach(({ proposedAtMs, censoredAtMs }, place) => {
      if (proposedAtMs === null || censoredAtMs !== null) return;
      acted++;
      const { censoredAtMs: hiddenAtMs, proposedAtMs: mineAtMs } = sooner!.outcomes.at(place)!;
      if (hiddenAtMs === null) expect(mineAtMs).toBeLessThanOrEqual(proposedAtMs);
    });
    expect(acted).toBeGreaterThan(0);
    const missed = differences.find(({ field }) => field === "missRate")!;
    expect(missed.hiddenLow).toBeLessThan(0);
    expect(missed.hiddenHigh).toBeLessThanOrEqual(0);
  });
});
