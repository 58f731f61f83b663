/**
 * Prints what was measured on the recordings, and beside it the same of worlds: the table of
 * datasets/worlds/README.md.
 *
 *     node --import tsx test/fit/fit.ts DATA datasets/worlds/fitted.yaml
 */

import { measureRecordings, measureWorld, tableOf } from "./measures.ts";

const [data, ...files] = process.argv.slice(2);
if (data === undefined) {
  console.error("Give the directory of the recordings, then world files.");
  process.exit(2);
}
for (const line of tableOf([...(await measureRecordings(data)), ...files.map(measureWorld)])) {
  console.log(line);
}
