/** What installs Hindsight names files, commands and flags that are there. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { commandList } from "../../lab/cli/commands.ts";
import { ROOT } from "../history/smallWorld.ts";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const { bin, engines } = z
  .object({ bin: z.record(z.string(), z.string()), engines: z.object({ node: z.string() }) })
  .parse(JSON.parse(read("package.json")));

/** The options of a command that a line gives and that it does not have. */
async function unknownIn(words: readonly string[]): Promise<readonly string[]> {
  const [name = "", ...rest] = words;
  const command = (await commandList(name)).find((one) => one.name() === name);
  if (command === undefined) return [name];
  const known = command.options.map(({ long }) => long);
  return rest.filter((word) => word.startsWith("--") && !known.includes(word));
}

it("the Dockerfile copies what is there, and runs the package's program as no root", () => {
  const lines = read("Dockerfile").replaceAll("\\\n", "").split("\n");
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const copied = of("COPY").filter((words) => !words.startsWith("--from"));
  expect(copied.length).toBeGreaterThan(0);
  for (const words of copied) {
    for (const file of words.split(" ").slice(0, -1))
      expect(existsSync(join(ROOT, file))).toBe(true);
  }
  const least = Number(/\d+/.exec(engines.node)![0]);
  for (const image of of("FROM")) {
    expect(Number(/^node:(\d+)-slim/.exec(image)![1])).toBeGreaterThanOrEqual(least);
  }
  expect(of("USER")).toEqual(["node"]);
  const [program] = JSON.parse(of("ENTRYPOINT")[0]!) as [string];
  expect(of("RUN").join("\n")).toContain(`/app/${bin[program]!.replace("./", "")} `);
});

it("compose.yaml and the units of systemd run commands with flags that they have", async () => {
  const { services } = z
    .object({ services: z.record(z.string(), z.object({ command: z.array(z.string()) })) })
    .parse(parse(read("compose.yaml")));
  const units = readdirSync(join(ROOT, "scenarios/install")).filter((name) =>
    name.endsWith(".service"),
  );
  const started = units.flatMap((name) =>
    [...read(`scenarios/install/${name}`).matchAll(/^ExecStart(?:Pre)?=\S+hindsight (.*)$/gm)].map(
      ([, words]) => words!.split(" "),
    ),
  );
  const commands = [...Object.values(services).map(({ command }) => command), ...started];
  expect(commands.map(([name]) => name).sort()).toEqual([
    "serve",
    "serve",
    "shadow",
    "shadow",
    "shadow",
  ]);
  for (const words of commands) expect(await unknownIn(words)).toEqual([]);
  expect(await unknownIn(["serve", "--hots"])).toEqual(["--hots"]);
});
