/**
 * The thread that reads the policies of requests: the process that listens parses no YAML of a
 * visitor, so that a text that takes long to check holds nobody else up.
 */

import type { Policy } from "../../../engine/index.ts";
import { policyOfRequest } from "../catalog.ts";
import type { Knob } from "../contract/policies.ts";
import { knobsOf } from "../knobs.ts";
import { answerCalls } from "./answering.ts";
import type { PolicyRef } from "./evaluations.ts";

const calls = {
  /** @throws Problem when it is no policy, or extends what its base does not */
  draft(asked: { readonly base: PolicyRef; readonly yaml: string }): {
    readonly policy: Policy;
    readonly knobs: readonly Knob[];
  } {
    const policy = policyOfRequest(asked.yaml, asked.base);
    return { policy, knobs: knobsOf({ text: asked.yaml, policy }) };
  },
};

export type CheckCalls = typeof calls;

answerCalls(calls);
