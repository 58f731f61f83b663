/** Options of `import` that name exports of other systems, and what names in them mean. */

import { Option, type Command } from "commander";
import { existsSync } from "node:fs";
import { z } from "zod";
import { readDocument } from "../documentFile.ts";
import type { ExportFiles } from "../history/import/exports/files.ts";
import { Problem } from "../problem.ts";

export interface ExportFlags {
  readonly github?: readonly string[];
  readonly argocd?: readonly string[];
  readonly pagerduty?: readonly string[];
  readonly rollouts?: readonly string[];
  readonly serviceOf?: readonly string[];
  readonly environment?: string;
}

export function exportOptions(command: Command): Command {
  const several = (flags: string, what: string): Option =>
    new Option(flags, `${what} (may be given again)`).argParser(
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    );
  return command
    .addOption(several("--github <file>", "GitHub deployments as deployments"))
    .addOption(several("--argocd <file>", "Argo CD applications as deployments"))
    .addOption(several("--pagerduty <file>", "PagerDuty incidents (and change events)"))
    .addOption(several("--rollouts <file>", "what Argo Rollouts and Flagger deployed and decided"))
    .addOption(
      several("--service-of <name=service>", "whose a repository or application is, or a file"),
    )
    .option(
      "--environment <name>",
      "only this environment's deployments; exports that name none mean it",
    );
}

/** @throws Problem for a --service-of that is neither a pair nor a file */
export function exportFilesOf(flags: ExportFlags, time: ExportFiles["time"] = null): ExportFiles {
  return {
    time,
    github: flags.github ?? [],
    argocd: flags.argocd ?? [],
    pagerduty: flags.pagerduty ?? [],
    rollouts: flags.rollouts ?? [],
    naming: {
      services: new Map((flags.serviceOf ?? []).flatMap(servicesIn)),
      environment: flags.environment ?? "production",
    },
    onlyEnvironment: flags.environment !== undefined,
  };
}

const NAMES = z.record(z.string(), z.string().min(1));

function servicesIn(given: string): [name: string, service: string][] {
  if (existsSync(given)) {
    return Object.entries(readDocument(given, NAMES, "a file of name: service"));
  }
  const [, name, service] = /^(.+)=([^=]+)$/.exec(given) ?? [];
  if (name !== undefined && service !== undefined) return [[name, service]];
  throw new Problem(`"${given}" is neither name=service nor a file`, {
    cure: "Write --service-of acme/shop-backend=shop, or a YAML file of name: service.",
  });
}

export const EXPORTS_HELP = `
Exports (JSON, pages of it, or JSON lines) may stand in for deployments, incidents and
decisions:
  --github     GET /repos/{owner}/{repo}/deployments, each with its "statuses" put in;
               an earlier SHA that comes back within a week is kept as a rollback
  --argocd     argocd app list -o json, or kubectl get applications -A -o json
  --pagerduty  GET /incidents and GET /change_events
  --rollouts   kubectl get analysisruns,events -A -o json`;
