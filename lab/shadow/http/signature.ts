/**
 * Signs and checks deliveries, in both directions, by Standard Webhooks 1.0
 * (standardwebhooks.com), for which most languages have a library:
 *
 *     webhook-id         a name of the delivery; the same when it is sent again
 *     webhook-timestamp  seconds since 1970
 *     webhook-signature  v1,base64(HMAC-SHA256(secret, "id.timestamp.body")), several by spaces
 *
 * GitHub signs the body alone: neither the name nor the time of a delivery is covered.
 */

import { own, type JsonObject } from "../../../engine/index.ts";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** Characters of a delivery's name. A longer name could only serve to fill our memory. */
const ID_AT_MOST = 200;

/** In the standard's form `whsec_…` the key is base64; any other secret is the key itself. */
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

type Headers = JsonObject<string | string[] | undefined>;

function headerOf(headers: Headers, name: string): string {
  const value = own(headers, name);
  return typeof value === "string" ? value : "";
}

/** What is wrong with a delivery's signature; it says no more, so that nobody can probe with it. */
export type SignatureFault = "unsigned" | "wrongSignature" | "staleSignature" | "wrongToken";

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
  // Checked last: only a sender who has the secret may learn that its delivery is stale.
  if (Math.abs(nowMs - Number(timestamp) * 1000) > windowMs) return refused("staleSignature");
  return { fault: null, deliveryId: id };
}

/** GitHub's signature does not cover a delivery's name, so its content identifies it. */
export function checkGithub(headers: Headers, body: Uint8Array, secret: string): Checked {
  const given = headerOf(headers, "x-hub-signature-256");
  if (given === "") return refused("unsigned");
  const right = `sha256=${createHmac("sha256", keyOf(secret)).update(body).digest("hex")}`;
  if (!isSame(given, right)) return refused("wrongSignature");
  return { fault: null, deliveryId: contentId(body) };
}

/** For senders that cannot sign. Their deliveries are identified by content as well. */
export function checkToken(headers: Headers, body: Uint8Array, token: string): Checked {
  const given = /^Bearer (.+)$/i.exec(headerOf(headers, "authorization"))?.[1];
  if (given === undefined) return refused("unsigned");
  return isSame(given, token)
    ? { fault: null, deliveryId: contentId(body) }
    : refused("wrongToken");
}

export function contentId(body: Uint8Array): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

/** Compares in constant time, so that timing reveals nothing about the secret. */
export function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
