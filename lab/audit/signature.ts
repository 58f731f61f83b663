/**
 * Ed25519 signatures of checkpoints. The keys are PEM files, as OpenSSL writes them:
 *
 *     openssl genpkey -algorithm ed25519 -out log.key
 *     openssl pkey -in log.key -pubout -out log.pub
 */

import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { unreadable } from "../operatingProblem.ts";
import { Problem } from "../problem.ts";

/** The signature of a text, in base64. */
export type Signer = (text: string) => string;

/** @throws Problem when the file is not a private Ed25519 key */
export function readSigner(file: string): Signer {
  const key = readKey(file, "private");
  return (text) => sign(null, Buffer.from(text), key).toString("base64");
}

/** Takes a public key, or a private one. @throws Problem when the file is not an Ed25519 key */
export function readSignatureCheck(file: string): (text: string, signature: string) => boolean {
  const key = readKey(file, "public");
  return (text, signature) =>
    verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
}

function readKey(file: string, which: "private" | "public"): KeyObject {
  const cure = `Give an Ed25519 key as a PEM file: openssl genpkey -algorithm ed25519 -out log.key${
    which === "public" ? "; openssl pkey -in log.key -pubout -out log.pub" : ""
  }.`;
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    throw unreadable(error, file, "key file", cure);
  }
  let key: KeyObject;
  try {
    key = which === "private" ? createPrivateKey(pem) : createPublicKey(pem);
  } catch {
    throw new Problem(`this is not a ${which} key`, { file, cure });
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new Problem(`this key is ${key.asymmetricKeyType}, not Ed25519`, { file, cure });
}
