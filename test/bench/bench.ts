/** Where `npm run bench` and its parts start: as the command line does (lab/cli/main.ts). */

import { growHeapSteadily } from "../../lab/heap.ts";

growHeapSteadily();
await import("./run.ts");
