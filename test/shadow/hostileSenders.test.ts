/** Whatever a stranger or a faulty sender posts: an answer in the 200s or 400s, and no event. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signatureOf } from "../../lab/shadow/http/signature.ts";
import { openDoor, SECRETS } from "./door.ts";

const RUNS = { numRuns: process.env["SOAK"] === undefined ? 300 : 20_000, seed: 20260712 };

const PATHS = [
  ...["deployments", "tags", "stages", "overrides", "approvals", "halt", "halt/lift"],
  ...["rollbacks/finished", "github", "argocd", "argo-rollouts", "argo-rollouts/aborted"],
  "github/protection",
  "proposals",
];
const path = fc.oneof(
  fc.constantFrom(...PATHS, "../metrics", "deployments/%00", ""),
  fc.webPath().map((text) => text.slice(1)),
);
const header = fc.oneof(
  fc.constantFrom("ci", "chat", "hub", "1782907200", "v1,", "0"),
  fc.string(),
);
const words = fc.constantFrom(
  ...["deploymentId", "service", "share", "by", "kind", "startedAt", "halted", "reason", "at"],
  ...["proposalId", "agent", "confidence", "rationale"],
  ...["deployment", "repository", "app", "metadata", "status", "__proto__", "constructor"],
);
/** Bodies of the right words and the wrong things in them. */
const body = fc.oneof(
  fc.dictionary(words, fc.jsonValue(), { noNullPrototype: true }).map((of) => JSON.stringify(of)),
  fc.json(),
  fc.string(),
);

/** Printable ASCII is all that an HTTP header may hold. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");

describe("a stranger", () => {
  it("is refused, whatever it sends", async () => {
    const door = openDoor();
    await fc.assert(
      fc.asyncProperty(path, header, header, header, header, body, async (to, ...given) => {
        const [sender, id, at, signature, payload] = given.map(plain) as [string, ...string[]];
        const answer = await door.app.inject({
          method: "POST",
          url: `/v1/${encodeURI(to)}`,
          headers: {
            "content-type": "application/json",
            "hindsight-sender": sender,
            "webhook-id": id,
            "webhook-timestamp": at,
            "webhook-signature": signature,
            "x-hub-signature-256": signature,
            authorization: `Bearer ${signature!}`,
          },
          payload: payload!,
        });
        expect(answer.statusCode).toBeGreaterThanOrEqual(400);
        expect(answer.statusCode).toBeLessThan(500);
      }),
      RUNS,
    );
    expect(door.host.told).toEqual([]);
    // It fills no log either: two kinds of fault, for each of ten routes and four known names, and
    // for each adapter.
    expect(door.recorded.length).toBeLessThan(84);
  });
});

describe("a sender that has gone wrong", () => {
  it("gets an answer that names its fault, and changes nothing", async () => {
    const door = openDoor();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...PATHS), fc.uuid(), body, async (to, id, payload) => {
        const token = to === "argocd" ? SECRETS.argo : SECRETS.rollouts;
        const as = /overrides|approvals|halt/.test(to) ? "chat" : to === "proposals" ? "sre" : "ci";
        const at = door.clock.nowMs / 1000;
        const answer = await door.app.inject({
          method: "POST",
          url: `/v1/${to}`,
          headers: {
            "content-type": "application/json",
            ...(to.startsWith("argo") ? {} : { "hindsight-sender": as }),
            "webhook-id": id,
            "webhook-timestamp": String(at),
            "webhook-signature": signatureOf(SECRETS[as], id, at, payload),
            authorization: `Bearer ${token}`,
          },
          payload,
        });
        expect(answer.statusCode, answer.body).not.toBe(500);
        const told = door.host.told.splice(0);
        if (answer.statusCode !== 200) expect(told).toEqual([]);
      }),
      RUNS,
    );
  });
});
