/**
 * Signed deliveries, in and out alike, by Standard Webhooks 1.0 (standardwebhooks.com), for
 * which most languages have a library:
 *
 *     webhook-id         a name of the delivery; the same when it is sent again
 *     webhook-timestamp  seconds since 1970
 *     webhook-signature  v1,base64(HMAC-SHA256(secret, "id.timestamp.body")), several by spaces
 *
 * GitHub signs the body alone: neither the name nor the time of a delivery is covered.
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** Longer than what anybody names a delivery; what is longer is an attack on our memory. */
const ID_AT_MOST = 200;

/** `whsec_…` holds its key in base64, as the standard has it; everything else is the key. */
function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret, "utf8");
}

export function signatureOf(
  secret: string,
  id: string,
  timestampS: number,
  body: string | Uint8Array,
): string {
  const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestampS}.`).update(body);
  return `v1,${hmac.digest("base64")}`;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function headerOf(headers: Headers, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}

/** What is wrong with a delivery's signature. The same words for everybody: no oracle. */
export type SignatureFault = "unsigned" | "wrongSignature" | "staleSignature";

export type Checked =
  | { readonly fault: null; readonly deliveryId: string }
  | { readonly fault: SignatureFault; readonly deliveryId: null };

const refused = (fault: SignatureFault): Checked => ({ fault, deliveryId: null });

/** @param windowMs how far the sender's clock may be from ours, either way */
export function checkSigned(
  headers: Headers,
  body: Uint8Array,
  secret: string,
  nowMs: number,
  windowMs: number,
): Checked {
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature").split(" ", 8);
  if (id === "" || id.length > ID_AT_MOST || !/^\d{1,12}$/.test(timestamp)) {
    return refused("unsigned");
  }
  const right = signatureOf(secret, id, Number(timestamp), body);
  if (!signatures.some((one) => isSame(one, right))) return refused("wrongSignature");
  // Asked after the signature: only who has the secret learns that it came too late.
  if (Math.abs(nowMs - Number(timestamp) * 1000) > windowMs) return refused("staleSignature");
  return { fault: null, deliveryId: id };
}

/** GitHub's. A delivery is known by its content: its name is not covered by the signature. */
export function checkGithub(headers: Headers, body: Uint8Array, secret: string): Checked {
  const given = headerOf(headers, "x-hub-signature-256");
  if (given === "") return refused("unsigned");
  const right = `sha256=${createHmac("sha256", keyOf(secret)).update(body).digest("hex")}`;
  if (!isSame(given, right)) return refused("wrongSignature");
  return { fault: null, deliveryId: contentId(body) };
}

/** A token, for senders that cannot sign. Their deliveries are known by their content as well. */
export function checkToken(headers: Headers, body: Uint8Array, token: string): Checked {
  const given = /^Bearer (.+)$/i.exec(headerOf(headers, "authorization"))?.[1];
  if (given === undefined) return refused("unsigned");
  return isSame(given, token)
    ? { fault: null, deliveryId: contentId(body) }
    : refused("wrongSignature");
}

export function contentId(body: Uint8Array): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

/** In the same time whatever they are. */
export function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
