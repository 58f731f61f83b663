/**
 * The engine's tsconfig is a wall, and this leans on it: each planted leak must
 * fail to compile there, beside a control that must compile. One program holds
 * them all, so that a package that drags Node's types in shows up as well.
 */

import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";

const ENGINE = new URL("../../engine/", import.meta.url).pathname;

const LEAKS: readonly string[] = [
  'console.log("leak");',
  'export const page = fetch("http://localhost");',
  "setTimeout(() => undefined, 1);",
  "setInterval(() => undefined, 1);",
  "queueMicrotask(() => undefined);",
  "export const home = process.env;",
  "export const started = process.hrtime();",
  "export const now = performance.now();",
  "export const id = crypto.randomUUID();",
  'import "node:fs";',
  'import { readFileSync } from "node:fs";\nexport const text = readFileSync("a");',
  'import { readFileSync } from "fs";\nexport const text = readFileSync("a");',
  'export const file = import("node:fs/promises");',
  'export const bytes = Buffer.from("a");',
  "export const wide = window.innerWidth;",
  'export const socket = new WebSocket("ws://localhost");',
];

const CONTROL = `
import { median } from "simple-statistics";
import { z } from "zod";
import { compareEvents } from "./index.ts";

const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin" });
export const used = [median([1]), z.string(), compareEvents, clock.format(0), Math.log(2)];
`;

function compile(sources: ReadonlyMap<string, string>): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${ENGINE}tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
      },
    },
  );
  if (config === undefined) throw new Error("engine/tsconfig.json is not there");
  const host = ts.createCompilerHost(config.options);
  host.fileExists = (path) => sources.has(path) || ts.sys.fileExists(path);
  host.readFile = (path) => sources.get(path) ?? ts.sys.readFile(path);
  host.getSourceFile = (path, languageVersion) => {
    const text = host.readFile(path);
    return text === undefined ? undefined : ts.createSourceFile(path, text, languageVersion);
  };
  return ts.createProgram([...sources.keys()], config.options, host);
}

describe("engine/tsconfig.json", () => {
  const leakPath = (index: number): string => `${ENGINE}leak${index}.ts`;
  const controlPath = `${ENGINE}control.ts`;
  let program: ts.Program;

  function errorsIn(path: string): string[] {
    const file = program.getSourceFile(path);
    expect(file).toBeDefined();
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"),
    );
  }

  beforeAll(() => {
    const planted = LEAKS.map((text, index) => [leakPath(index), `${text}\nexport {};\n`] as const);
    program = compile(new Map([...planted, [controlPath, CONTROL]]));
  });

  test("lets pure code compile", () => {
    expect(errorsIn(controlPath)).toEqual([]);
  });

  test.each(LEAKS.map((leak, index) => ({ leak, index })))("refuses $leak", ({ index }) => {
    // "Cannot find name" or "Cannot find module": the thing does not exist there.
    expect(errorsIn(leakPath(index)).join("\n")).toMatch(/^Cannot find (name|module)/);
  });
});
