/** What a linter of incumbents finds, and what every linter gives. */

import type { IncumbentKind, JsonObject } from "../../../engine/index.ts";
import type { Problem } from "../../problem.ts";
import type { Arguments } from "../import/argoArguments.ts";
import type { KubernetesObject, PlaceInFile } from "../import/document.ts";
import type { WrittenQuery } from "../import/policyFile.ts";

export interface LintFinding extends PlaceInFile {
  /** Stable, for scripts. */
  readonly code: string;
  /** Of what, such as `AnalysisTemplate success-rate, metric errors`. */
  readonly subject: string;
  readonly what: string;
  /** A change after which a run no longer shows it; null where none was found. */
  readonly mend: string | null;
  readonly params: JsonObject<string | number | boolean | null>;
  /** The queries that it is about, as the plan names them. */
  readonly queries: readonly string[];
}

/** A plan among the files, as `policy import` would write it. */
export interface LintedPlan {
  readonly policy: string;
  readonly system: IncumbentKind;
  readonly plan: unknown;
  readonly queries: readonly WrittenQuery[];
  /** How long its own files let it last; absent: as long as the settings say. */
  readonly watchMs?: number;
}

export interface Linted {
  readonly findings: readonly LintFinding[];
  /** What was not linted, because it is not emulated or wrong. */
  readonly problems: readonly Problem[];
  readonly plans: readonly LintedPlan[];
}

export interface LintSettings {
  /** Values of arguments, before those of the files. */
  readonly args: Arguments;
  /** How long a deployment is watched; an hour where it is not given. */
  readonly watchMs?: number;
  /** Alerts count only whose label is the deployed service; absent: all count. */
  readonly serviceLabel?: string;
}

/** The linter of one system. */
export interface Linter {
  readonly reads: (object: KubernetesObject) => boolean;
  /** @param objects those of all files that it reads */
  readonly lint: (objects: readonly KubernetesObject[], settings: LintSettings) => Linted;
}
