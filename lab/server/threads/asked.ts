/** A changed policy as a request asks for it, checked like a policy file. */

import type { Policy } from "../../../engine/index.ts";
import type { Within } from "../../compare/within.ts";
import { policyFromText } from "../../policy/load.ts";
import { changedText, type PathChange } from "../../whatIf/changed.ts";
import { policyOfRequest } from "../catalog.ts";
import type { PolicyRef } from "./evaluations.ts";

export interface ChangeAsked {
  readonly base: PolicyRef;
  readonly changes: readonly PathChange[];
  readonly yaml?: string | undefined;
  /** Only deployments that start in here are scored. */
  readonly within: Within | undefined;
}

export interface Changed {
  readonly base: Policy;
  readonly policy: Policy;
  readonly yaml: string;
}

/** As options of an evaluation. */
export function scoring(within: Within | undefined): { readonly within?: Within } {
  return within === undefined ? {} : { within };
}

/** @throws Problem when it is no policy */
export function changedPolicy({ base, changes, yaml }: ChangeAsked): Changed {
  const before = policyFromText(base.text, base.file);
  const text = changedText(yaml ?? base.text, changes);
  const policy = text === base.text ? before : policyOfRequest(text, base);
  return { base: before, policy: policy.digest === before.digest ? before : policy, yaml: text };
}
