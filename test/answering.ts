/**
 * Runs one command after another, each by the program's own `main`, and answers with what it
 * said. A command that ends the process ends this one too.
 */

import { pathToFileURL } from "node:url";

interface Asked {
  readonly args: readonly string[];
  readonly cwd: string;
}

const [node, , main] = process.argv;
const url = pathToFileURL(main!).href;
let turn = 0;

/** Takes what is written to a stream from now on; gives it, and the stream back. */
function listen(stream: NodeJS.WriteStream): () => string {
  let text = "";
  const write = stream.write.bind(stream);
  stream.write = (part: string | Uint8Array): boolean => {
    text += typeof part === "string" ? part : Buffer.from(part).toString();
    return true;
  };
  return () => {
    stream.write = write;
    // The program listens for readers that stop reading, and takes itself for the only one.
    stream.removeAllListeners("error");
    return text;
  };
}

async function run({ args, cwd }: Asked): Promise<void> {
  process.chdir(cwd);
  process.argv = [node!, main!, ...args];
  process.exitCode = undefined;
  const [stdout, stderr] = [listen(process.stdout), listen(process.stderr)];
  // By another name it is evaluated again; what it imports is not.
  await import(`${url}?turn=${++turn}`);
  process.send!({ code: process.exitCode, stdout: stdout(), stderr: stderr() });
}

process.on("disconnect", () => process.exit());
process.on("message", (asked: Asked) => void run(asked));
