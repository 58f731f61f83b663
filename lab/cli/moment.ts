/** Times as they are written on the command line. */

import { InvalidArgumentError } from "commander";
import {
  INSTANT_SHAPE,
  instantOf,
  MOMENT_SHAPE,
  momentOf,
  type Moment,
} from "../compare/moment.ts";

/** As `instantOf`; what is none is refused. */
export function instant(text: string): number {
  const atMs = instantOf(text);
  if (atMs === null) throw new InvalidArgumentError(INSTANT_SHAPE);
  return atMs;
}

/** As `momentOf`; what is none is refused. */
export function moment(text: string): Moment {
  const found = momentOf(text);
  if (found === null) throw new InvalidArgumentError(MOMENT_SHAPE);
  return found;
}
