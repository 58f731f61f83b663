/** How a policy listens to one agent. */

/** What the word of an agent is worth (see decide/agent.ts). */
export interface AgentRule {
  readonly name: string;
  /** A proposal counts where the agent is at least so sure. */
  readonly from: number;
  /** And the tier is its own where the agent is at least so sure; null: a person must agree. */
  readonly aloneFrom: number | null;
  /** It counts only while a signal of our own speaks against the deployment as well. */
  readonly needsEvidence: boolean;
}
