/**
 * What a handler may answer: a document, text that is a document already (made in a thread,
 * so that the thread that listens never turns a long list into text), bytes, or that it is
 * still being made.
 */

import type { ProgressDocument } from "./contract/words.ts";
import type { Answer, RouteName, ROUTES } from "./contract/routes.ts";
import type { z } from "zod";

/** A document as JSON text. */
export interface Written {
  readonly kind: "written";
  readonly json: string;
}
/** An Arrow IPC stream. */
export interface Bytes {
  readonly kind: "bytes";
  readonly bytes: Uint8Array;
}
export interface StillComputing {
  readonly state: "computing";
  readonly progress: ProgressDocument | null;
}

export const stillComputing = (progress: ProgressDocument | null): StillComputing => ({
  state: "computing",
  progress,
});

type Part<Name extends RouteName, Key extends "params" | "query" | "body"> =
  (typeof ROUTES)[Name] extends Readonly<Record<Key, infer Schema extends z.ZodType>>
    ? z.output<Schema>
    : undefined;

/** The checked parts of a request. */
export interface Asked<Name extends RouteName> {
  readonly params: Part<Name, "params">;
  readonly query: Part<Name, "query">;
  readonly body: Part<Name, "body">;
  /** Aborted when whoever asked has gone. */
  readonly gone: AbortSignal;
}

type MaybeLater<Value> = Value | Promise<Value>;

export type Handlers = {
  readonly [Name in RouteName]: (
    asked: Asked<Name>,
  ) => MaybeLater<Answer<Name> | Written | Bytes | StillComputing>;
};
