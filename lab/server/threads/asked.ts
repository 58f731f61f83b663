/** A changed policy as a request asks for it, checked like a policy file. */

import type { Policy } from "../../../engine/index.ts";
import { policyFromText } from "../../policy/load.ts";
import { changedText, type PathChange } from "../../whatIf/changed.ts";
import { policyOfRequest } from "../catalog.ts";
import type { PolicyRef } from "./evaluations.ts";

export interface ChangeAsked {
  readonly base: PolicyRef;
  readonly changes: readonly PathChange[];
  readonly yaml?: string | undefined;
}

export interface Changed {
  readonly base: Policy;
  readonly policy: Policy;
  readonly yaml: string;
}

/** @throws Problem when it is no policy */
export function changedPolicy({ base, changes, yaml }: ChangeAsked): Changed {
  const before = policyFromText(base.text, base.file);
  const text = changedText(yaml ?? base.text, changes);
  const policy = text === base.text ? before : policyOfRequest(text, base);
  return { base: before, policy: policy.digest === before.digest ? before : policy, yaml: text };
}
