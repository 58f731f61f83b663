/** The command line: one file per command, exit codes in one place. */

import { Command, CommanderError } from "commander";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { operatingProblem } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";
import { commandList } from "./commands.ts";
import { takeFromConfig } from "./configFile.ts";

const EXIT = { fine: 0, checkFailed: 1, usage: 2, inconclusive: 3, ownFault: 70, interrupted: 130 };

async function program(asked?: string, below?: string): Promise<Command> {
  const root = new Command("hindsight")
    .description("Replay and tune autonomy policies on your own history.")
    .version(ENGINE_VERSION)
    .configureHelp({ showGlobalOptions: true });
  for (const command of await commandList(asked, below)) root.addCommand(command);
  answerForItself(root, "hindsight");
  return root;
}

/**
 * Wrong words are told as every other error is, with a cure, and end with 2. Added commands
 * inherit none of it.
 */
function answerForItself(command: Command, called: string): void {
  const shows = command.commands.length > 0 ? "the commands" : "the options, and an example";
  command
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(text.replace(/^error: /, "hindsight: ").replace(/^\((.*)\)$/m, "  $1")),
    })
    .showHelpAfterError(`  \`${called} --help\` shows ${shows}.`);
  takeFromConfig(command, called.replace(/^hindsight /, ""));
  askForOptionsLast(command);
  for (const each of command.commands) answerForItself(each, `${called} ${each.name()}`);
}

/**
 * A misspelt option is unknown, and the one that was meant is missing: only the first helps, and
 * Commander would tell the second.
 */
function askForOptionsLast(command: Command): void {
  const wanted = command.options.filter(({ mandatory }) => mandatory);
  for (const option of wanted) option.mandatory = false;
  command.hook("preAction", (_, asked) => {
    if (asked !== command) return;
    for (const option of wanted) {
      if (command.getOptionValue(option.attributeName()) !== undefined) continue;
      command.error(`error: required option '${option.flags}' not specified`);
    }
  });
}

/** Runs one command; returns the exit code. */
export async function commandLine(argv: readonly string[]): Promise<number> {
  listenToReaders();
  try {
    await (await program(argv[2], argv[3])).parseAsync([...argv]);
    return typeof process.exitCode === "number" ? process.exitCode : EXIT.fine;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.fine : EXIT.usage;
    const error = operatingProblem(thrown, (thrown as NodeJS.ErrnoException).path ?? "");
    if (error instanceof Problem) {
      process.stderr.write(`hindsight: ${error.message}\n`);
      return EXIT.usage;
    }
    process.stderr.write(
      `hindsight: this is our fault, not yours. Please report it with the command you ran and:\n` +
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.ownFault;
  }
}

/** Whoever reads us may stop early (`| head -1`): that is no error, and work goes on quietly. */
function listenToReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") return;
      process.stderr.write(`hindsight: the output cannot be written: ${error.message}\n`);
      process.exit(EXIT.usage);
    });
  }
}
