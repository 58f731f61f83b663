/** The lab's commands as a shell sees them: exit codes, stdout, pipes, Ctrl-C and --out. */

import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandList } from "../../lab/cli/commands.ts";
import type { History } from "../../lab/history/open.ts";
import { hindsight, inTurn, type Ended } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

/** A command that must refuse: exit code 2, a message without a stack, nothing on stdout. */
async function refusal(...args: string[]): Promise<string> {
  return refused(await inTurn(args));
}

function refused({ code, stdout, stderr }: Ended): string {
  expect(stderr).not.toMatch(/\n\s+at /);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr });
  return stderr;
}

const NAIVE = policyFile("naive-threshold");
const TAGGED = policyFile("tagged-threshold");

let history: History;
let dir = "";
beforeAll(async () => {
  history = await tinyHistory({
    good: { label: "benign" },
    slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
    wronged: { label: "benign", slow: [3, 30] },
  });
  dir = history.dir;
});
afterAll(() => history.close());

describe("--help", async () => {
  const commands = await commandList();
  const all = commands.flatMap((command) => [
    { name: command.name(), command },
    ...command.commands.map((each) => ({
      name: `${command.name()} ${each.name()}`,
      command: each,
    })),
  ]);

  it.each(all)("of $name ends with an example", ({ name, command }) => {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toMatch(new RegExp(`Examples?:\\n {2}hindsight ${name}[ \\n]`));
  });

  it.each(commands)("$_name is found by its name, alone", async (command) => {
    const found = await commandList(command.name());
    expect(found.map((one) => one.name())).toEqual([command.name()]);
  });

  it("a command of policy is found by its name, alone; a misspelt one loads all", async () => {
    const below = async (word: string) =>
      (await commandList("policy", word))[0]!.commands.map((one) => one.name());
    const names = commands
      .find((one) => one.name() === "policy")!
      .commands.map((one) => one.name());
    for (const name of names) expect(await below(name)).toEqual([name]);
    expect(await below("chekc")).toEqual(names);
  });

  it("lists these commands and no other", async () => {
    const { code, stdout, stderr } = await hindsight(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = [...stdout.matchAll(/^ {2}([a-z-]+) (?=.* {2})/gm)].map(([, name]) => name);
    expect(listed.filter((name) => name !== "help")).toEqual(commands.map((one) => one.name()));
  });

  it("and lab/commands.md has a line for each", () => {
    const page = readFileSync(join(ROOT, "lab/commands.md"), "utf8");
    for (const command of commands)
      expect(page).toMatch(new RegExp(`^\\|.*\`${command.name()}`, "m"));
  });
});

describe("policy check", () => {
  it("reads no history, so it does not load DuckDB", async () => {
    // The libraries of the process when it ends: DuckDB's addon is one.
    const told =
      "process.on('exit',()=>{const{report:r}=process;r.excludeNetwork=true;" +
      "console.error(JSON.stringify(r.getReport().sharedObjects))})";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(told)}` };
    const librariesOf = async (...args: string[]): Promise<string[]> =>
      JSON.parse((await hindsight(args, { env })).stderr) as string[];
    const duckIn = (libraries: string[]) => libraries.some((name) => /duckdb.*\.node$/.test(name));
    expect(duckIn(await librariesOf("policy", "check", policyFile("two-minute-override")))).toBe(
      false,
    );
    expect(duckIn(await librariesOf("policy", "suggest", "--help"))).toBe(true);
  });
});

describe("exit code 2 and one clear message", () => {
  const history = (...rest: string[]): string[] => ["--history", dir, ...rest];

  it("for a policy that is wrong: file, line and column", async () => {
    const file = join(temporaryDirectory(), "wrong.yaml");
    writeFileSync(file, readFileSync(NAIVE, "utf8").replace("watch: 60m", "watch: long"));
    const message = refused(await hindsight(["replay", ...history("--policy", file)]));
    expect(message).toMatch(/^hindsight: .*wrong\.yaml:11:1: watch: expected a duration/);
  });

  it("for a directory that is no history", async () => {
    const empty = temporaryDirectory();
    expect(await refusal("replay", "--history", empty, "--policy", NAIVE)).toContain(
      "this is not a history: it has no manifest.json",
    );
  });

  it("for a comparison of one policy", async () => {
    expect(await refusal("compare", ...history("--policy", NAIVE))).toMatch(
      /at least two policies\n.*use `hindsight replay`/,
    );
  });

  it("for two policies of one name", async () => {
    expect(await refusal("compare", ...history("--policy", NAIVE, "--policy", NAIVE))).toMatch(
      /two policies are called naive-threshold\n/,
    );
  });

  it("for recorded people where nothing is recorded", async () => {
    expect(
      await refusal("replay", ...history("--policy", NAIVE, "--people", "recorded")),
    ).toContain("this history has no recorded decisions");
  });

  it("for an option that is missing, and for one out of range", async () => {
    const missing = await hindsight(["replay", "--policy", NAIVE]);
    expect(refused(missing)).toContain("--history <dir>");
    expect(await refusal("replay", ...history("--policy", NAIVE, "--seed", "-1"))).toContain(
      "expected a whole number of at least 0",
    );
  });

  it("for a word that is no command or option, with where to look", async () => {
    expect(await refusal("repaly")).toBe(
      "hindsight: unknown command 'repaly'\n  Did you mean replay?\n" +
        "  `hindsight --help` shows the commands.\n",
    );
    expect(await refusal("compare", "--histroy", dir, "--policy", NAIVE)).toBe(
      "hindsight: unknown option '--histroy'\n  Did you mean --history?\n" +
        "  `hindsight compare --help` shows the options, and an example.\n",
    );
    expect(await refusal("policy", "check", "--nonsense")).toMatch(
      /^hindsight: unknown option '--nonsense'\n {2}`hindsight policy check --help` shows /,
    );
  });

  it("for what is no YAML, and not with all that follows from the first error", async () => {
    const readme = join(ROOT, "README.md");
    const message = await refusal("replay", ...history("--policy", readme));
    expect(message.split("\n").filter((line) => line.includes("README.md:"))).toHaveLength(3);
    expect(message).toMatch(/Mend the YAML at this place; \d+ more may follow from it\.\n$/);
  });

  it.runIf(process.platform === "linux")("for an --out in which nothing can be made", async () => {
    for (const out of ["/proc/lab", "/proc/lab/below.md"]) {
      const one = history("--policy", NAIVE, "--out", out);
      const world = join(ROOT, "datasets/worlds/fidelity.yaml");
      expect(await refusal("generate", world, "--out", out)).toContain(": this directory cannot");
      expect(await refusal("replay", ...one)).toContain(": this directory cannot be made here");
      expect(await refusal("serve", ...one, "--port", "0")).toContain(": this directory cannot");
    }
    const scenario = await refusal("scenario", "new", "x", "--out", "/proc/lab/x.yaml");
    expect(scenario).toMatch(/^hindsight: \/proc\/lab.*: this directory cannot be made here\n/);
  });

  it("for a world that is not there", async () => {
    const out = join(temporaryDirectory(), "out");
    expect(await refusal("generate", "nowhere.yaml", "--out", out)).toMatch(
      /^hindsight: nowhere\.yaml: no such world file\n/,
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe("a history without labels", () => {
  it("names what was rolled back, and where to say whether that was right", async () => {
    const unlabelled = await tinyHistory({ quiet: {}, slow: { slow: [3, 45] } });
    unlabelled.close();
    const { code, stdout } = await inTurn([
      "replay",
      "--history",
      unlabelled.dir,
      "--policy",
      NAIVE,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Rolled back under naive-threshold, and no label[^\n]+:\n {2}d-slow: latency_p95_ms \+\d/,
    );
    expect(stdout).not.toContain("d-quiet");
    expect(stdout).toContain("labels.csv (deployment_id,label)");
  });
});

/** What the policy does not see, and nothing else: no progress, no stack trace. */
const ONLY_NOTES =
  /^(naive-threshold: signal .* matches no series\.\n)+(This history records .* to fail\.\n)?$/;

describe("--json", () => {
  it("of replay is one document on stdout, and the notes are on stderr", async () => {
    const { code, stdout, stderr } = await hindsight([
      "replay",
      "--history",
      dir,
      "--policy",
      NAIVE,
      "--json",
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(ONLY_NOTES);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(document)).toEqual(["manifest", "scorecard", "outcomes"]);
    expect((document["outcomes"] as { end: string }[]).map(({ end }) => end)).toEqual([
      "healthy",
      "rolledBack",
      "rolledBack",
    ]);
  });

  it("of compare has scorecards, differences and flips, and is the same twice", async () => {
    const args = ["compare", "--history", dir, "--policy", NAIVE, "--policy", TAGGED, "--json"];
    const [first, second] = await Promise.all([hindsight(args), inTurn(args)]);
    expect(first.code).toBe(0);
    const document = JSON.parse(first.stdout) as Record<string, object>;
    expect(Object.keys(document)).toEqual([
      ...["manifest", "scorecards", "differences", "flippedDeployments", "flips"],
    ]);
    expect(Object.keys(document["scorecards"]!)).toEqual(["naive-threshold", "tagged-threshold"]);
    const timeless = (text: string): string => text.replace(/"timing": \{[^}]*\}/, "");
    expect(timeless(first.stdout)).not.toBe(first.stdout);
    expect(timeless(second.stdout)).toBe(timeless(first.stdout));
  });
});

describe("a reader that stops reading", () => {
  it("ends the command quietly", async () => {
    const args = ["replay", "--history", dir, "--policy", NAIVE, "--json"];
    const { code, stderr } = await hindsight(args, {
      during: (child) => child.stdout!.destroy(),
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(ONLY_NOTES);
  });
});

describe("Ctrl-C", () => {
  it("during generate leaves nothing behind and ends with 130", async () => {
    const parent = temporaryDirectory();
    const args = ["generate", "datasets/worlds/quarter.yaml", "--out", join(parent, "quarter")];
    let seen = false;
    const { code, stderr } = await hindsight(args, {
      during: (child) => {
        const look = setInterval(() => {
          if (readdirSync(parent).length === 0) return;
          seen = true;
          clearInterval(look);
          child.kill("SIGINT");
        }, 50);
        child.on("close", () => clearInterval(look));
      },
    });
    expect({ seen, code }).toEqual({ seen: true, code: 130 });
    expect(stderr).toContain("interrupted; nothing half-written was left behind");
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe("--out", () => {
  it("refuses a directory with something else in it, even with --force", async () => {
    const out = join(temporaryDirectory(), "precious");
    mkdirSync(out);
    writeFileSync(join(out, "thesis.txt"), "years of work");
    const args = ["replay", "--history", dir, "--policy", NAIVE, "--out", out, "--force"];
    expect(await refusal(...args)).toContain("this directory is not empty");
    expect(readdirSync(out)).toEqual(["thesis.txt"]);
  });

  it("of a gate is a log that is signed, whole, and made again from the history", async () => {
    const parent = temporaryDirectory();
    const out = join(parent, "run");
    const [secret, shown] = [join(parent, "secret.pem"), join(parent, "shown.pem")];
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    writeFileSync(secret, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(shown, publicKey.export({ type: "spki", format: "pem" }));
    const policies = ["--baseline", NAIVE, "--candidate", TAGGED];
    const asked = ["gate", "--history", dir, ...policies, "--sign-key", secret];
    expect(await refusal(...asked)).toContain("Add --out RUN.");
    const gate = await inTurn([...asked, "--out", out]);
    expect([0, 1, 3]).toContain(gate.code);
    const log = join(out, "decisions.jsonl");
    const verified = await inTurn(["audit", "verify", log, "--key", shown, "--json"]);
    const document = JSON.parse(verified.stdout) as { whole: boolean; signedLines: number };
    expect(document.whole).toBe(true);
    expect(document.signedLines).toBeGreaterThan(0);
    const again = await inTurn(["audit", "replay", log, "--history", dir]);
    expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("--cache", () => {
  it.each([["replay"], ["replay", "--json"], ["compare", "--policy", TAGGED]])(
    "reads what %s %s answered before",
    async (...words) => {
      const cache = join(temporaryDirectory(), "cache");
      const asked = ["--history", dir, "--policy", NAIVE, "--replicates", "100"];
      const kept = [...words, ...asked, "--cache"];
      const plain = await inTurn([...kept, "off"]);
      const first = await inTurn([...kept, cache]);
      // Another process: nothing but the files is left of the first.
      const second = await hindsight([...kept, cache]);
      const timeless = ({ stdout }: { stdout: string }): string =>
        stdout.replace(/"timing": \{[^}]*\}/, "");
      expect(timeless(first)).toBe(timeless(plain));
      expect(timeless(second)).toBe(timeless(plain));
      expect(second.stderr).toContain(`Cache: found 1 result, made 0 (${cache})`);
    },
  );
});
