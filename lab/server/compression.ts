/**
 * Answers and pages travel compressed where the browser takes it: a list of deployments is a
 * tenth of its size then. Speed comes before size, as an answer is made for one reader.
 */

import { pipeline, Readable } from "node:stream";
import { promisify } from "node:util";
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  gzip,
  type BrotliOptions,
  type ZlibOptions,
} from "node:zlib";
import type { FastifyInstance } from "fastify";

type Encoding = "br" | "gzip";

/** What is smaller fits into one packet as it is. */
const LEAST_BYTES = 1400;
/** Zlib's own default of brotli takes seconds for a megabyte. */
const BROTLI: BrotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP: ZlibOptions = { level: 5 };
const COMPRESSIBLE = /^(text\/|image\/svg|application\/(problem\+)?(json|javascript|vnd\.apache))/;

const brotli = promisify(brotliCompress) as Compress<BrotliOptions>;
const zip = promisify(gzip) as Compress<ZlibOptions>;
type Compress<Options> = (bytes: string | Uint8Array, options: Options) => Promise<Buffer>;

/** Before any route: what is added to the app later is compressed. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook("onSend", async (request, reply, payload) => {
    const type = reply.getHeader("content-type");
    if (typeof type !== "string" || !COMPRESSIBLE.test(type)) return payload;
    void reply.header("vary", "accept-encoding");
    const encoding = encodingFor(request.headers["accept-encoding"]);
    // A part of a file, and an answer without a body, stay as they are.
    if (encoding === null || reply.statusCode === 206 || request.method === "HEAD") return payload;
    if (payload instanceof Readable) {
      tell(encoding);
      const packed = encoding === "br" ? createBrotliCompress(BROTLI) : createGzip(GZIP);
      // A client that leaves early closes the file, too; the stream itself reports an error.
      return pipeline(payload, packed, () => undefined);
    }
    if (typeof payload !== "string" && !(payload instanceof Uint8Array)) return payload;
    if (payload.length < LEAST_BYTES) return payload;
    tell(encoding);
    return await (encoding === "br" ? brotli(payload, BROTLI) : zip(payload, GZIP));

    function tell(encoding: Encoding): void {
      void reply.header("content-encoding", encoding).removeHeader("content-length");
    }
  });
}

/** `gzip, br;q=0`: what is named with 0 is refused. */
export function encodingFor(accepted: string | undefined): Encoding | null {
  const named = new Map(
    (accepted ?? "").split(",").map((one) => {
      const [name, ...parameters] = one.toLowerCase().split(";");
      const refused = parameters.some((text) => /^\s*q\s*=\s*0(\.0*)?\s*$/.test(text));
      return [name!.trim(), !refused];
    }),
  );
  if (named.get("br") === true) return "br";
  return named.get("gzip") === true ? "gzip" : null;
}
