/**
 * The policies of the lab: those given on the command line, those shipped, and drafts that
 * are kept in the run directory. Names are unique; what is given comes before what is shipped.
 *
 * A policy in a request may extend only what the policy it is based on extends: otherwise its
 * author could have any file read.
 */

import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { Policy, JsonObject } from "../../engine/index.ts";
import { unmetNotes } from "../compare/unmet.ts";
import { readDocument } from "../documentFile.ts";
import { makeOwnDirectory, pathFromHere, writeOwnFile } from "../directory.ts";
import type { History } from "../history/open.ts";
import { POLICY_LIMITS } from "../limits.ts";
import { policyFromText } from "../policy/load.ts";
import { LimitProblem, Problem } from "../problem.ts";
import { shippedDirectory } from "../simulate/open.ts";
import { readText, yamlValue } from "../yaml.ts";
import type { Knob, PolicySummary } from "./contract/policies.ts";
import { knobsOf } from "./knobs.ts";
import { Refusal } from "./problems.ts";

export interface CatalogEntry {
  readonly id: string;
  readonly source: PolicySummary["source"];
  /** `extends` is relative to it, and messages name it. */
  readonly file: string;
  readonly text: string;
  readonly policy: Policy;
}

const DRAFTS_AT_MOST = 200;
const DRAFT_ID = /^draft-[0-9a-f]{16}$/;
const DRAFT_FILE = z.strictObject({ base: z.string(), yaml: z.string() });

export class Catalog {
  readonly #entries = new Map<string, CatalogEntry>();
  readonly #knobs = new Map<string, readonly Knob[]>();
  readonly #drafts: string;

  /** @param files given on the command line; the first is the baseline */
  constructor(files: readonly string[], runDirectory: string) {
    this.#drafts = join(runDirectory, "drafts");
    for (const file of files) {
      const entry = entryOf(file, "given");
      if (this.#entries.has(entry.id)) {
        throw new Problem(`two policies are called ${entry.id}`, {
          file,
          cure: "Give each file its own `policy:` name; results are listed by it.",
        });
      }
      this.#entries.set(entry.id, entry);
    }
    const folder = shippedDirectory("scenarios/policies");
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith(".yaml")) continue;
      const entry = entryOf(join(folder, name), "shipped");
      if (!this.#entries.has(entry.id)) this.#entries.set(entry.id, entry);
    }
    for (const entry of this.#keptDrafts()) this.#entries.set(entry.id, entry);
  }

  all(): readonly CatalogEntry[] {
    return [...this.#entries.values()];
  }

  given(): readonly CatalogEntry[] {
    return this.all().filter(({ source }) => source === "given");
  }

  /** @throws Refusal when there is none */
  get(id: string): CatalogEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Refusal("not-found", `There is no policy ${id}.`);
    return entry;
  }

  /**
   * @param read the draft as the thread that checks it has read it
   * @throws Refusal when there are too many
   */
  keepDraft(
    base: CatalogEntry,
    yaml: string,
    { policy, knobs }: { readonly policy: Policy; readonly knobs: readonly Knob[] },
  ): CatalogEntry {
    const id = `draft-${policy.digest.slice(0, 16)}`;
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    if (this.all().filter(({ source }) => source === "draft").length >= DRAFTS_AT_MOST) {
      throw new Refusal("conflict", `There are ${DRAFTS_AT_MOST} drafts already; drop some.`);
    }
    const entry: CatalogEntry = { id, source: "draft", file: base.file, text: yaml, policy };
    makeOwnDirectory(this.#drafts);
    const document = JSON.stringify({ base: base.file, yaml }, null, 2);
    writeOwnFile(join(this.#drafts, `${id}.json`), `${document}\n`);
    this.#entries.set(id, entry);
    this.#knobs.set(id, knobs);
    return entry;
  }

  /** What of it can be turned; made once, as it takes another look at the text. */
  knobs(entry: CatalogEntry): readonly Knob[] {
    const known = this.#knobs.get(entry.id);
    if (known !== undefined) return known;
    const knobs = knobsOf(entry);
    this.#knobs.set(entry.id, knobs);
    return knobs;
  }

  dropDraft(id: string): void {
    if (this.get(id).source !== "draft" || !DRAFT_ID.test(id)) {
      throw new Refusal("conflict", `${id} is no draft: it is a file of yours or of Hindsight.`);
    }
    this.#entries.delete(id);
    this.#knobs.delete(id);
    rmSync(join(this.#drafts, `${id}.json`), { force: true });
  }

  /** One that cannot be read any more is left out: what it extended may have changed. */
  *#keptDrafts(): Generator<CatalogEntry> {
    if (!existsSync(this.#drafts)) return;
    for (const name of readdirSync(this.#drafts).sort()) {
      const id = basename(name, ".json");
      if (!DRAFT_ID.test(id)) continue;
      try {
        const { base, yaml } = readDocument(join(this.#drafts, name), DRAFT_FILE, "a draft");
        const policy = policyFromText(yaml, base);
        yield { id, source: "draft", file: base, text: yaml, policy };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
      }
    }
  }
}

function entryOf(file: string, source: CatalogEntry["source"]): CatalogEntry {
  const text = readText(
    file,
    "policy file",
    "Give --policy the path of a policy YAML file.",
    POLICY_LIMITS.letters,
  );
  const policy = policyFromText(text, file);
  return { id: policy.policy, source, file, text, policy };
}

/** @throws Problem when it is no policy, or extends what its base does not */
export function policyOfRequest(yaml: string, base: Pick<CatalogEntry, "file" | "text">): Policy {
  const file = join(dirname(base.file), "what-if.yaml");
  const wanted = extendedBy(yaml, "what-if.yaml");
  if (wanted !== undefined && wanted !== extendedBy(base.text, base.file)) {
    throw new Problem("extends: a policy in a request may extend only what its base extends", {
      file: "what-if.yaml",
    });
  }
  try {
    return policyFromText(yaml, file);
  } catch (error) {
    // Where the server keeps its files is not for visitors.
    if (!(error instanceof Problem)) throw error;
    const Kind = error instanceof LimitProblem ? LimitProblem : Problem;
    throw new Kind(error.message.replaceAll(`${dirname(base.file)}/`, ""));
  }
}

function extendedBy(text: string, file: string): unknown {
  const parsed = yamlValue(text, file, POLICY_LIMITS);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  return (parsed as JsonObject)["extends"];
}

/** @param history null while it is not open yet: then nothing is known to be useless */
export function summaryOf(entry: CatalogEntry, history: History | null): PolicySummary {
  const { id, source, file, text, policy } = entry;
  return {
    id,
    name: policy.policy,
    owner: policy.owner,
    digest: policy.digest,
    source,
    file: source === "draft" ? null : pathFromHere(file),
    about: aboutOf(text),
    usable: history === null || seesAnything(history, policy),
  };
}

function seesAnything(history: History, policy: Policy): boolean {
  try {
    unmetNotes(history, [policy]);
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

/** The first paragraph of comments, without what is meant for editors. */
function aboutOf(text: string): string {
  const words: string[] = [];
  for (const line of text.split("\n")) {
    const comment = /^#\s?(.*)$/.exec(line)?.[1];
    if (comment === undefined) {
      if (words.length > 0 || line.trim() !== "") break;
      continue;
    }
    if (/^\s*yaml-language-server/.test(comment)) continue;
    if (comment.trim() === "" && words.length > 0) break;
    words.push(comment.trim());
  }
  return words.join(" ");
}
