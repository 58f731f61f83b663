/** `hindsight audit`: is a decision log whole. */

import { Command } from "commander";
import type { ChainState } from "../../engine/index.ts";
import { readSignatureCheck } from "../audit/signature.ts";
import { verifyLog } from "../audit/verify.ts";
import { note, print, printJson } from "./output.ts";

const EXIT_CHECK_FAILED = 1;

export function auditCommand(): Command {
  return new Command("audit")
    .description("Check a decision log: is it whole, and does today's engine decide the same.")
    .addCommand(verifyCommand());
}

interface VerifyFlags {
  readonly open?: true;
  readonly key?: string;
  readonly json?: true;
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("Find the first altered, missing, reordered or inserted record of a log.")
    .argument("<log>", "a decision log: decisions.jsonl of a run directory")
    .option("--open", "the log is still being written: it need not have its last checkpoint")
    .option("--key <file>", "public Ed25519 key (PEM) that every checkpoint must be signed with")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight audit verify run/decisions.jsonl\n\n" +
        "Exit codes: 0 whole, 1 not whole, 2 usage or input error.",
    )
    .action((log: string, flags: VerifyFlags) => {
      const isSigned = flags.key === undefined ? null : readSignatureCheck(flags.key);
      const state = verifyLog(log, { open: flags.open ?? false, isSigned });
      if (flags.json) printJson(verifyDocument(log, state));
      else print(verifyText(log, state));
      if (state.fault === null && state.signatures > 0 && isSigned === null) {
        note(`${state.signatures} checkpoints are signed; --key FILE checks the signatures.`);
      }
      if (state.fault !== null) process.exitCode = EXIT_CHECK_FAILED;
    });
}

function verifyDocument(
  log: string,
  { fault, lines, kinds, end, closed, signedLines }: ChainState,
) {
  return {
    log,
    whole: fault === null,
    fault,
    lines,
    entries: kinds,
    closed,
    /** Keep it elsewhere: whoever writes the whole log anew cannot keep it. */
    lastHash: end.previous,
    signedLines,
  };
}

function verifyText(log: string, state: ChainState): string {
  const { fault, lines, kinds, end, closed, signedLines } = state;
  if (fault !== null) {
    return `${log}:${fault.line}: ${fault.kind}: ${fault.what} (record ${fault.seq} is due here)`;
  }
  const parts = [
    `${log} is whole: ${lines} lines, ${kinds.event} events, ${kinds.record} decision records`,
    closed ? "" : "; still open",
    signedLines > 0 ? `; signed up to line ${signedLines}` : "",
    `\nLast hash ${end.previous}`,
  ];
  return parts.join("");
}
