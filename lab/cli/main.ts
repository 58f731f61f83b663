/** Where the command line starts: what it is made of is loaded onto a heap that may grow. */

import { growHeapSteadily } from "../heap.ts";

growHeapSteadily();
const { commandLine } = await import("./commandLine.ts");
process.exitCode = await commandLine(process.argv);
