/** The policy of a live host. */

import type { Policy } from "../../engine/index.ts";
import { loadPolicy } from "../policy/load.ts";
import { Problem } from "../problem.ts";

/**
 * @throws Problems where the file is no policy, Problem where it emulates another system: its
 *   queries are asked of a history, and what it would do is that system's business
 */
export function loadLivePolicy(file: string): Policy {
  const policy = loadPolicy(file);
  if (policy.incumbent === undefined) return policy;
  throw new Problem(`this policy emulates ${policy.incumbent.system}, which no live host runs`, {
    file,
    cure: "Replay it with `compare`, and run a policy with signals of its own.",
  });
}
