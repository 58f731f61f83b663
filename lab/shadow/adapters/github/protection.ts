/**
 * Deployment protection rules of GitHub. GitHub asks by a signed webhook before a workflow deploys
 * to an environment, and waits for a POST to its callback URL. The question here is whether the
 * same commit was healthy in the environment before: approved, rejected, or a comment and no state
 * while it is undecided.
 */

import { z } from "zod";
import { own } from "../../../../engine/index.ts";
import { Refusal, type ProblemKind } from "../../../server/problems.ts";
import type { Answer } from "../../http/deliveries.ts";
import { contentId } from "../../http/signature.ts";
import { proveSender } from "../../http/sender.ts";
import {
  answer,
  readBody,
  type Adapter,
  type AdapterParts,
  type AdapterRequest,
} from "../adapter.ts";
import { isOfGithub } from "../../http/tokens.ts";
import { verdictOf, type Verdict } from "../verdict.ts";
import { GithubApi, type Review } from "./api.ts";
import { Questions, type Question } from "./questions.ts";
import type { GithubSettings } from "./settings.ts";

const KIND = "github-protection";
const EVENT = "deployment_protection_rule";
/** GitHub takes ten comments for a rule; the last ones are kept for the answer. */
const COMMENTS_AT_MOST = 8;

const word = z.string().min(1).max(200);
const sha = z.string().regex(/^[\da-f]{40,64}$/);
const REPOSITORY = /^[\w.-]{1,100}\/[\w.-]{1,100}$/;
/** GitHub sends much more, and adds to it. */
const requested = z.object({
  action: word,
  environment: word,
  deployment_callback_url: z.string().max(500),
  deployment: z.object({ id: z.int().positive(), sha }),
  repository: z.object({ full_name: z.string().regex(REPOSITORY) }),
  installation: z.object({ id: z.int().positive() }),
});

type Requested = z.output<typeof requested>;

export class Protection {
  readonly #api: GithubApi;
  readonly #questions: Questions;
  /** Faults of the file that no person knows of yet. */
  #faults: readonly string[];

  constructor(
    private readonly parts: Pick<AdapterParts, "host" | "orders" | "clock">,
    private readonly settings: GithubSettings,
    file: string,
  ) {
    this.#api = new GithubApi(settings, parts.clock);
    this.#questions = new Questions(file, parts.clock.wallMs);
    this.#faults = this.#questions.faults.map((fault) => `${file}: ${fault}`);
  }

  /** Does the callback belong to this repository on the API that shadow.yaml names? */
  isCallback({ deployment_callback_url: callback, repository }: Requested): boolean {
    return this.#api.isCallback(callback, repository.full_name);
  }

  /**
   * Asks, unless the same question waits already.
   *
   * @returns how it was answered, if that was within a day
   * @throws Refusal where too many questions wait already
   */
  ask(given: Requested, service: string): "approved" | "rejected" | null {
    const { deployment, deployment_callback_url: callback, environment } = given;
    const key = `${callback} ${environment} ${deployment.id}`;
    const known = this.#questions.known(key);
    if (known !== null) return known.answered?.state ?? null;
    this.#questions.add({
      key,
      callback,
      environment,
      service,
      sha: deployment.sha,
      installation: given.installation.id,
      askedAtMs: this.parts.clock.wallMs(),
      told: null,
      comments: 0,
      answered: null,
    });
    return null;
  }

  /** Answers what can be answered by now. */
  async round(signal: AbortSignal): Promise<void> {
    for (; this.#faults.length > 0; this.#faults = this.#faults.slice(1)) {
      await this.#page(`${this.#faults[0]!}: its rules wait; use Redeliver at GitHub`);
    }
    for (const question of this.#questions.open) {
      if (signal.aborted) return;
      await this.#look(question, signal);
    }
  }

  async #look(question: Question, signal: AbortSignal): Promise<void> {
    let said: Verdict;
    try {
      said = this.#verdict(question);
    } catch (error) {
      // A host that does not hold the lease leaves the question to the one that does.
      if (error instanceof Refusal) return;
      throw error;
    }
    const { environment, told, comments } = question;
    const comment = `Hindsight: ${said.reason}.`;
    if (said.verdict === "undecided") {
      const isOver = this.parts.clock.wallMs() - question.askedAtMs > this.settings.giveUp;
      if (isOver) return this.#giveUp(question, `${comment} It was not decided in time`);
      if (comment === told || comments >= COMMENTS_AT_MOST) return;
      const sent = await this.#send(question, { environment_name: environment, comment }, signal);
      if (sent) this.#questions.replace({ ...question, told: comment, comments: comments + 1 });
      return;
    }
    const state = said.verdict === "healthy" ? "approved" : "rejected";
    if (await this.#send(question, { environment_name: environment, state, comment }, signal)) {
      this.#questions.answer(question, state);
    }
  }

  #verdict({ environment, service, sha }: Question): Verdict {
    const { host, orders } = this.parts;
    const rule = own(this.settings.environments, environment);
    if (rule === undefined) {
      const cure = "add it to github.environments in shadow.yaml";
      return { verdict: "undecided", reason: `no rule for environment ${environment}: ${cure}` };
    }
    const { after } = rule;
    const standing = host.standing(
      (one) =>
        one.service === service &&
        one.environment === after &&
        one.version === sha &&
        isOfGithub(one.deploymentId),
    );
    // A deployment that a token announced is no evidence: its version may be made up.
    if (standing === null) {
      const what = `no deployment of ${sha.slice(0, 12)} of ${service} to ${after}`;
      const reason = `${what} that GitHub announced was watched`;
      return { verdict: "undecided", reason };
    }
    const said = verdictOf(standing, host.status(), orders.has(standing.deployment.deploymentId));
    return { ...said, reason: `${service} in ${after}: ${said.reason}` };
  }

  /** Was it sent? What GitHub refuses for good is given up; what passes is sent again. */
  async #send(question: Question, review: Review, signal: AbortSignal): Promise<boolean> {
    const { callback, installation } = question;
    const sent = await this.#api.review(callback, installation, review, signal);
    if (sent.status === "done") return true;
    const isOver = this.parts.clock.wallMs() - question.askedAtMs > this.settings.giveUp;
    if (sent.status === "refused" || isOver) await this.#giveUp(question, sent.detail);
    return false;
  }

  /** The rule goes on waiting at GitHub; people must know that it waits for them. */
  async #giveUp(question: Question, why: string): Promise<void> {
    const { service, environment } = question;
    await this.#page(`the protection rule of ${service} for ${environment} has no answer: ${why}`);
    this.#questions.remove(question);
  }

  async #page(reason: string): Promise<void> {
    await this.parts.host.tell({ kind: "faultReported", atMs: Infinity, source: "github", reason });
  }
}

export const githubProtection: Adapter = {
  kind: KIND,
  routes: (parts) => [
    {
      method: "POST",
      path: "/v1/github/protection",
      receive: (request) => receive(parts, request),
    },
  ],
};

async function receive(parts: AdapterParts, request: AdapterRequest) {
  const { headers, body } = request;
  // While the host stands by this throws: the file of questions is the lease holder's.
  const deliveries = parts.deliveries();
  const { name, sender } = await proveSender(parts, KIND, headers, body);
  const refuse: Refuse = async (kind, why, problem) => {
    const what = `webhook for ${KIND}`;
    await parts.refusals.add({ deploymentId: null, by: name, what, kind, why });
    return new Refusal(problem, why);
  };
  if (!sender.may.includes(KIND)) {
    throw await refuse("notAllowed", `${name} may not send ${KIND}`, "forbidden");
  }
  // The signature covers neither of these two headers. So the question in the body decides what is
  // a repetition, and a name that came before with other content is refused.
  const guid = headers["x-github-delivery"];
  if (typeof guid !== "string" || !/^[\w-]{1,100}$/.test(guid)) {
    throw new Refusal("bad-request", "expected the header X-GitHub-Delivery");
  }
  if (headers["x-github-event"] !== EVENT) {
    return answer(200, { accepted: false, reason: `only ${EVENT} is for us` });
  }
  // A rule that was given up can be asked again, so the answer to a delivery is not kept.
  const given = await deliveries.each(`${name}/delivery/${guid}`, contentId(body), () =>
    ask(parts, request, refuse),
  );
  if (given !== null) return given;
  const why = `delivery ${guid} came before with other content`;
  throw await refuse("reused", why, "conflict");
}

type Refuse = (kind: string, why: string, problem: ProblemKind) => Promise<Refusal>;

async function ask(parts: AdapterParts, request: AdapterRequest, refuse: Refuse): Promise<Answer> {
  const given = readBody(requested, request);
  const { action, repository } = given;
  if (action !== "requested") return answer(200, { accepted: false, reason: "nothing is asked" });
  const protection = parts.protection();
  if (!protection.isCallback(given)) {
    const why = "deployment_callback_url must lie under github.api and belong to the repository";
    throw await refuse("callback", why, "bad-request");
  }
  const [, short] = repository.full_name.split("/");
  const state = protection.ask(given, own(parts.config.names, repository.full_name) ?? short!);
  if (state !== null) return answer(200, { accepted: false, reason: `it was ${state} already` });
  return answer(200, { accepted: true, reason: "the answer goes to deployment_callback_url" });
}

/** Between two rounds. A verdict changes when a watch ends, so seconds do not matter. */
const PAUSE_MS = 5000;

/** Answers questions until the signal aborts. */
export async function answerQuestions(
  protection: Protection,
  { wait }: Pick<AdapterParts["clock"], "wait">,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await protection.round(signal);
    } catch (error) {
      note(`protection rules of GitHub: ${error instanceof Error ? error.message : String(error)}`);
    }
    await wait(PAUSE_MS, signal);
  }
}
