/** `hindsight audit`: is a decision log whole, and does today's engine decide the same. */

import { Command } from "commander";
import type { ChainState } from "../../engine/index.ts";
import { otherEngines } from "../audit/engines.ts";
import { logIn } from "../audit/read.ts";
import { judgeAgain, type JudgedAgain } from "../audit/judgeAgain.ts";
import { replayLog, type DecisionDifference, type LogReplay } from "../audit/replay.ts";
import { readSignatureCheck } from "../audit/signature.ts";
import { requireSignature, verifyLog } from "../audit/verify.ts";
import { openHistory } from "../history/open.ts";
import { isJournal, replayWholeJournal, verifyWholeJournal } from "./auditJournal.ts";
import { note, print, printJson, progressBar } from "./output.ts";
import { counted, countText } from "../counted.ts";

const EXIT_CHECK_FAILED = 1;
/** `--json` has all of them. */
const DIFFERENCES_SHOWN = 20;

export function auditCommand(): Command {
  return new Command("audit")
    .description("Check a decision log: is it whole, and does today's engine decide the same.")
    .addHelpText("after", "\nExample:\n  hindsight audit verify run/decisions.jsonl")
    .addCommand(verifyCommand())
    .addCommand(replayCommand());
}

interface VerifyFlags {
  readonly open?: true;
  readonly key?: string;
  readonly json?: true;
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("Find the first altered, missing, reordered or inserted record of a log.")
    .argument("<log>", "decisions.jsonl, its run directory, or the directory of a journal")
    .option("--open", "the log is still being written: it need not have its last checkpoint")
    .option("--key <file>", "public Ed25519 key (PEM) that every checkpoint must be signed with")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight audit verify run/decisions.jsonl\n\n" +
        "Exit codes: 0 whole, 1 not whole, 2 usage or input error.",
    )
    .action((given: string, flags: VerifyFlags) => {
      const log = logIn(given);
      const isSigned = flags.key === undefined ? null : readSignatureCheck(flags.key);
      if (isJournal(log)) {
        verifyWholeJournal(log, isSigned, flags.json ?? false);
        return;
      }
      const verified = verifyLog(log, { open: flags.open ?? false, isSigned });
      const state = isSigned === null ? verified : requireSignature(verified);
      if (flags.json) printJson(verifyDocument(log, state));
      else print(verifyText(log, state));
      if (state.fault === null && state.signatures > 0 && isSigned === null) {
        note(`${counted(state.signatures, "checkpoint")} with a signature; --key FILE checks it.`);
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
    `${log} is whole: ${counted(lines, "line")}, ${counted(kinds.event, "event")}, ` +
      counted(kinds.record, "decision record"),
    closed ? "" : "; still open",
    signedLines > 0 ? `; signed up to line ${signedLines}` : "",
    `\nLast hash ${end.previous}`,
  ];
  return parts.join("");
}

function replayCommand(): Command {
  return new Command("replay")
    .description("Make the decisions of a log again with today's engine, and list what differs.")
    .argument("<log>", "decisions.jsonl, its run directory, or the directory of a journal")
    .option("--history <dir>", "judge the samples of this history again too, and compare")
    .option("--open", "the log is still being written: it need not have its last checkpoint")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  hindsight audit replay run/decisions.jsonl --history quarter\n\n" +
        "Exit codes: 0 all identical, 1 a decision, sample, judgement or\n" +
        "state of a journal differs, 2 no whole log with a header.",
    )
    .action(async (given: string, flags: ReplayFlags) => {
      const log = logIn(given);
      const open = flags.open ?? false;
      if (isJournal(log)) {
        replayWholeJournal(log, flags.json ?? false);
        return;
      }
      const replayed = replayLog(log, open);
      const again =
        flags.history === undefined ? null : await judgedAgain(log, open, flags.history);
      const found = [...replayed.differences, ...(again?.samples ?? []), ...(again?.judged ?? [])];
      const identical = found.length === 0;
      const otherEngine = otherEngines(replayed.engineVersions, again !== null);
      if (flags.json) {
        const history = again === null ? {} : { history: again };
        printJson({ log, identical, otherEngine, ...replayed, ...history });
      } else {
        print(replayText(replayed));
        if (again !== null) print(judgedText(again));
      }
      if (otherEngine !== null) note(otherEngine);
      if (again?.sameHistory === false) note("The log was not written from this history.");
      if (replayed.filled.length > 0) {
        note(
          `The log does not have ${replayed.filled.join(", ")}: today's defaults stand for them.`,
        );
      }
      if (!identical) process.exitCode = EXIT_CHECK_FAILED;
    });
}

interface ReplayFlags {
  readonly history?: string;
  readonly open?: true;
  readonly json?: true;
}

async function judgedAgain(log: string, open: boolean, dir: string): Promise<JudgedAgain> {
  const history = await openHistory(dir);
  try {
    return await judgeAgain(log, open, history, progressBar());
  } finally {
    history.close();
  }
}

function judgedText({ deployments, samples, judgements, judged }: JudgedAgain): string {
  const of = new Set(samples.map(({ deploymentId }) => deploymentId)).size;
  const same = (differ: number): string =>
    differ === 0 ? "all identical" : `${countText(differ)} differ`;
  const lines = [
    ...samples.map(
      ({ line, deploymentId, series, what }) =>
        `line ${line}: ${deploymentId}: ${series === null ? "" : `${series}: `}${what}`,
    ),
    ...judged.map(
      ({ line, deploymentId, policy, signal, logged, now }) =>
        `line ${line}: ${signal} of ${deploymentId} under ${policy}: judged otherwise\n` +
        `  ${logged}, in the log\n  ${now ?? "nothing"}, now`,
    ),
  ];
  const more = lines.length - DIFFERENCES_SHOWN;
  return [
    `Samples of ${countText(deployments)} deployments read again, ${same(of)}`,
    judgements === 0
      ? "No judgement of a signal could be made again: none rests on samples that are the same"
      : `${countText(judgements)} judgements of signals made again from them, ` +
        same(judged.length),
    ...lines.slice(0, DIFFERENCES_SHOWN),
    ...(more > 0 ? [`and ${countText(more)} more; --json lists them all`] : []),
  ].join("\n");
}

function replayText({ decisions, differences }: LogReplay): string {
  const made = `${countText(decisions)} decisions made again`;
  if (differences.length === 0) return `${made}, all identical`;
  const lines = differences.slice(0, DIFFERENCES_SHOWN).flatMap(differenceLines);
  const more = differences.length - DIFFERENCES_SHOWN;
  if (more > 0) lines.push(`and ${countText(more)} more; --json lists them all`);
  return [`${made}, ${countText(differences.length)} differ`, ...lines].join("\n");
}

function differenceLines(one: DecisionDifference): string[] {
  const id = one.decisionId === "" ? "" : ` ${one.decisionId}`;
  return [
    `line ${one.line}:${id} under ${one.policy}: ${one.what}: ${one.reason}`,
    `  when ${one.because}`,
    ...one.fields.map(
      ({ field, logged, now }) =>
        `  ${field}: ${JSON.stringify(logged)} in the log, ${JSON.stringify(now)} now`,
    ),
  ];
}
