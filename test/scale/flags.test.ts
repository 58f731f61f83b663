/** What `--on` says is checked before anything is worked on, also where no worker is needed. */

import { expect, it } from "vitest";
import { openScale } from "../../lab/scale/open.ts";
import { temporaryDirectory } from "../directories.ts";

it.each([
  ["nonsense", "--on is no URL"],
  ["http://queue:6379", "is no Redis or Valkey"],
  ["s3://bucket/quarter", "names the queue, not the history"],
])("--on %s is refused at once", (on, why) => {
  expect(() => openScale({ cache: temporaryDirectory(), on }, () => undefined)).toThrow(why);
});
