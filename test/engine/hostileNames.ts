/** Names that every object has already, that look like a number, or like a mark in a state. */

export const HOSTILE_NAMES: readonly string[] = [
  ...["toString", "hasOwnProperty", "__proto__", "constructor", "valueOf"],
  ...["length", "7", "$map", "$number"],
];
