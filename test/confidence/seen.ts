/** What was seen of a usual alarm. */

import type { Seen } from "../../engine/index.ts";

export const SEEN: Seen = {
  excess: 1,
  strength: 1,
  agreeing: 0.5,
  standing: 1,
  delay: 1,
  elsewhere: 0,
  habit: 0,
  declared: 0,
  accusing: ["latency"],
  kind: "code",
};
