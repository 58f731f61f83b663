/**
 * Policies broken on purpose. A scenario that passes with all of them would pass whatever the
 * policy did: it proves nothing.
 */

import { own, put } from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import type { Tree } from "../sweep/paths.ts";
import { policyOf } from "../sweep/variations.ts";
import { checkScenario } from "./check.ts";
import { withName, type NamedPolicy } from "./policies.ts";
import type { Scenario } from "./read.ts";
import type { Samples } from "./samples.ts";

interface Mutation {
  /** In words: "tier observe everywhere". */
  readonly what: string;
  /** Changes the policy as it is written; false where there is nothing to change. */
  readonly apply: (tree: Tree, policy: NamedPolicy["policy"]) => boolean;
}

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function entriesOf(tree: Tree, block: string): Tree[] {
  const found = own(tree, block);
  return isTree(found) ? Object.values(found).filter(isTree) : [];
}

function without(...blocks: readonly string[]): Mutation {
  return {
    what: `no ${blocks.join(" and no ")}`,
    apply: (tree) => {
      const found = blocks.filter((block) => Object.hasOwn(tree, block));
      for (const block of found) Reflect.deleteProperty(tree, block);
      return found.length > 0;
    },
  };
}

function everywhere(tier: string): Mutation {
  return {
    what: `tier ${tier} everywhere`,
    apply: (tree) => {
      put(tree, "assign", [{ otherwise: tier }]);
      for (const mode of entriesOf(tree, "modes")) Reflect.deleteProperty(mode, "tier");
      for (const rule of entriesOf(tree, "context")) Reflect.deleteProperty(rule, "tierAtLeast");
      return true;
    },
  };
}

function tolerances(times: number): Mutation {
  return {
    what: `tolerances times ${times}`,
    apply: (tree) => {
      const signals = entriesOf(tree, "signals");
      for (const signal of signals) {
        const match = /^([\d.]+)(.*)$/.exec(String(signal["tolerance"]));
        if (match !== null) put(signal, "tolerance", `${Number(match[1]) * times}${match[2]}`);
      }
      return signals.length > 0;
    },
  };
}

function tierSetting(tier: string, key: string, value: unknown): Mutation {
  return {
    what: `tiers.${tier}.${key} ${JSON.stringify(value)}`,
    apply: (tree) => {
      const tiers = { ...(tree["tiers"] as Tree | undefined) };
      put(tiers, tier, { ...((own(tiers, tier) ?? {}) as Tree), [key]: value });
      put(tree, "tiers", tiers);
      return true;
    },
  };
}

/** Every agent acts alone on whatever it says. */
const agentsBelieved: Mutation = {
  what: "agents are always believed",
  apply: (tree) => {
    const agents = entriesOf(tree, "agents");
    for (const agent of agents) {
      put(agent, "from", "1%");
      put(agent, "aloneFrom", "1%");
      put(agent, "needsEvidence", false);
    }
    return agents.length > 0;
  },
};

/**
 * Those most likely to fail a scenario come first, because the search ends at the first failure.
 */
const MUTATIONS: readonly Mutation[] = [
  everywhere("observe"),
  without("agents"),
  agentsBelieved,
  without("context"),
  tolerances(0.1),
  everywhere("full"),
  tolerances(10),
  without("modes"),
  without("guardrails"),
  without("context", "modes"),
  tierSetting("override", "window", "30m"),
  tierSetting("override", "onTimeout", "hold"),
  tierSetting("approve", "sla", "1m"),
  everywhere("approve"),
  everywhere("override"),
  {
    what: "watch 5m",
    apply: (tree) => {
      put(tree, "watch", "5m");
      return true;
    },
  },
];

/** All broken forms of a policy that are valid and differ from it. */
export function* mutationsOf(
  named: NamedPolicy,
): Generator<{ readonly what: string; readonly broken: NamedPolicy }> {
  for (const { what, apply } of MUTATIONS) {
    const tree = structuredClone(named.tree);
    if (!apply(tree, named.policy)) continue;
    try {
      const policy = withName(policyOf(named.file, tree), named.name);
      if (policy.digest !== named.policy.digest) yield { what, broken: { ...named, tree, policy } };
    } catch (error) {
      // Not every broken form is a valid policy: a guardrail may refuse it.
      if (!(error instanceof Problem)) throw error;
    }
  }
}

export interface Noticed {
  readonly policy: string;
  /** The first mutation that fails the scenario; null where none does. */
  readonly by: string | null;
}

/**
 * For every policy with expectations: does the scenario fail when that policy is broken?
 *
 * @param asked only these policies
 */
export async function noticedOf(
  scenario: Scenario,
  samples: Samples,
  asked: readonly string[] = scenario.expected.map(({ policy }) => policy),
): Promise<Noticed[]> {
  const meant = new Set(asked);
  const noticed: Noticed[] = [];
  for (const named of scenario.policies) {
    if (!meant.has(named.name)) continue;
    let by: string | null = null;
    for (const { what, broken } of mutationsOf(named)) {
      const policies = scenario.policies.map((one) => (one === named ? broken : one));
      const { unmet } = await checkScenario(scenario, samples, { policies, only: named.name });
      if (unmet.length === 0) continue;
      by = what;
      break;
    }
    noticed.push({ policy: named.name, by });
  }
  return noticed;
}
