/** `hindsight completion`: scripts that let a shell complete commands, options and their values. */

import { Argument, Command } from "commander";
import { own, type JsonObject } from "../../engine/index.ts";
import { takeFromConfig } from "./configFile.ts";
import { print } from "./output.ts";

/** A command as a shell has to know it. */
interface Completed {
  /** Its words, each after a space: ` policy check`; the program itself has none. */
  readonly called: string;
  /** What may follow it: commands, or the values of its argument where only some will do. */
  readonly below: readonly { readonly word: string; readonly about: string }[];
  readonly options: readonly CompletedOption[];
}

interface CompletedOption {
  readonly flag: string;
  readonly about: string;
  readonly takesValue: boolean;
  /** The only values that it takes; none where any will do, such as a file. */
  readonly choices: readonly string[];
}

const SHELLS: JsonObject<(commands: readonly Completed[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionCommand(all: () => Promise<readonly Command[]>): Command {
  return new Command("completion")
    .description("Print a script that completes commands and options in your shell.")
    .addArgument(new Argument("<shell>", "your shell").choices(Object.keys(SHELLS)))
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  hindsight completion bash > ~/.local/share/bash-completion/completions/hindsight\n" +
        '  hindsight completion zsh > "${fpath[1]}/_hindsight"\n' +
        "  hindsight completion fish > ~/.config/fish/completions/hindsight.fish",
    )
    .action(async (shell: string) => {
      const root = new Command("hindsight");
      for (const command of await all()) root.addCommand(command);
      print(own(SHELLS, shell)!(completedOf(root, "")));
    });
}

function completedOf(command: Command, called: string): Completed[] {
  takeFromConfig(command, called.trim());
  const firstLine = (text: string): string => text.split("\n")[0]!.trim();
  const options = command.options.map((option) => ({
    flag: option.long!,
    about: firstLine(option.description),
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  }));
  const help = { flag: "--help", about: "show its help", takesValue: false, choices: [] };
  const below = command.commands.map((each) => ({
    word: each.name(),
    about: firstLine(each.description()),
  }));
  const values = (command.registeredArguments[0]?.argChoices ?? []).map((word) => ({
    word,
    about: "",
  }));
  return [
    { called, below: [...below, ...values], options: [...options, help] },
    ...command.commands.flatMap((each) => completedOf(each, `${called} ${each.name()}`)),
  ];
}

/** In double quotes, as patterns of `case`. */
const either = (texts: readonly string[]): string => texts.map((text) => `"${text}"`).join("|");

/**
 * The part that bash and zsh share: which command it is, then what may stand here.
 *
 * @param offer how words are offered; a `return` with nothing offered lets the shell name files
 */
function cases(commands: readonly Completed[], offer: (words: readonly string[]) => string) {
  const named = commands.filter(({ called }) => called !== "");
  const offered = (
    from: (command: Completed) => readonly string[],
    by: readonly Completed[] = commands,
  ): string =>
    by
      .filter((command) => from(command).length > 0)
      .map((command) => `      "${command.called}") ${offer(from(command))} ;;`)
      .join("\n");
  const values = commands.flatMap(({ called, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, choices }) => ({ at: `${called} ${flag}`, choices })),
  );
  const free = values.filter(({ choices }) => choices.length === 0);
  return {
    known: either(named.map(({ called }) => called)),
    choices: values
      .filter(({ choices }) => choices.length > 0)
      .map(({ at, choices }) => `    "${at}") ${offer(choices)}; return ;;`)
      .join("\n"),
    files: either(free.map(({ at }) => at)),
    options: offered(({ options }) => options.map(({ flag }) => flag)),
    below: offered(({ below }) => below.map(({ word }) => word)),
  };
}

function bashScript(commands: readonly Completed[]): string {
  const { known, choices, files, options, below } = cases(
    commands,
    (words) => `words="${words.join(" ")}"`,
  );
  return `# hindsight completion bash
_hindsight() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}"
  local command="" words="" at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$command \${COMP_WORDS[at]}" in
      ${known}) command+=" \${COMP_WORDS[at]}" ;;
    esac
  done
  case "$command $before" in
${choices.replaceAll("; return ;;", " ;;")}
    ${files}) return ;;
  esac
  if [[ -n $words ]]; then
    :
  elif [[ $current == -* ]]; then
    case "$command" in
${options}
    esac
  else
    case "$command" in
${below}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _hindsight hindsight`;
}

function zshScript(commands: readonly Completed[]): string {
  const { known, choices, files, options, below } = cases(
    commands,
    (words) => `compadd -- ${words.join(" ")}`,
  );
  return `#compdef hindsight
_hindsight() {
  local command="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command $word" in
      ${known}) command+=" $word" ;;
    esac
  done
  case "$command \${words[CURRENT-1]}" in
${choices}
    ${files}) _files; return ;;
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    case "$command" in
${options}
    esac
  else
    case "$command" in
${below}
      *) _files ;;
    esac
  fi
}
compdef _hindsight hindsight`;
}

function fishScript(commands: readonly Completed[]): string {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const lines = commands.flatMap(({ called, below, options }) => {
    const words = called.trim().split(" ").filter(Boolean);
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const none = below.map(({ word }) => word).join(" ");
    const here =
      words.length === 0
        ? "__fish_use_subcommand"
        : [...seen, ...(none === "" ? [] : [`not __fish_seen_subcommand_from ${none}`])].join(
            "; and ",
          );
    const start = `complete -c hindsight -n ${quoted(here)}`;
    return [
      ...below.map(({ word, about }) => `${start} -f -a ${word} -d ${quoted(about)}`),
      ...options.map(({ flag, about, takesValue, choices }) => {
        const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : " -r";
        const long = flag.replace(/^--/, "");
        return `${start} -l ${long}${takesValue ? value : ""} -d ${quoted(about)}`;
      }),
    ];
  });
  return ["# hindsight completion fish", ...lines].join("\n");
}
