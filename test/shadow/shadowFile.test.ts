/** shadow.yaml: what it means, and what is wrong with it, by line. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readServices } from "../../lab/shadow/config/services.ts";
import {
  readShadowFile,
  shadowJsonSchema,
  type ShadowFile,
} from "../../lab/shadow/config/shadowFile.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const ENV = { CI: "a-secret-of-the-pipeline", CHAT: "a-secret-of-the-chat-bot", SHORT: "short" };
const LEAST = `policy: policy.yaml
journal: journal
metrics:
  url: http://127.0.0.1:9090
  queries: { latency_ms: latency_ms }
`;

function read(text: string, files: Readonly<Record<string, string>> = {}): ShadowFile {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries({ ...files, "shadow.yaml": text })) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return readShadowFile(join(directory, "shadow.yaml"), ENV);
}

describe("shadow.yaml", () => {
  it("with only the required keys: records only, and listens on loopback", () => {
    const { act, listen, platform, lease, window, policy } = read(LEAST);
    expect({ act, listen, platform, window }).toEqual({
      act: false,
      listen: { host: "127.0.0.1", port: 8440 },
      platform: undefined,
      window: 300_000,
    });
    expect(lease.for).toBe(15_000);
    expect(policy).toMatch(/hindsight-tests.*policy\.yaml$/);
  });

  it("reads secrets from the environment or a file beside it, and never from itself", () => {
    const senders = `senders:
  ci: { secret: env:CI, may: [deployments] }
  chat: { secret: file:secrets/chat, may: [overrides], as: ana }
`;
    const config = read(LEAST + senders, { "secrets/chat": "what the file has\n" });
    expect(config.senders["ci"]!.secret).toBe(ENV.CI);
    expect(config.senders["chat"]!.secret).toBe("what the file has");
  });

  it.each([
    ["an unknown key", "wacth: 5m", /shadow\.yaml:6:1: wacth: unknown key/],
    [
      "a secret in the file",
      "senders: { ci: { secret: hush-hush-hush-hush, may: [tags] } }",
      /6:18: senders\.ci\.secret: expected env:NAME or file:PATH/,
    ],
    [
      "a secret that is not there",
      "senders: { ci: { secret: env:NONE, may: [tags] } }",
      /there is no secret at env:NONE/,
    ],
    ["a secret to guess", "senders: { ci: { secret: env:SHORT, may: [tags] } }", /shorter than 16/],
    [
      "one secret twice",
      "senders: { a: { secret: env:CI, may: [tags] }, b: { secret: env:CI, may: [tags] } }",
      /senders\.b: has the secret of a/,
    ],
    [
      "a token for who can sign",
      "senders: { a: { token: env:CI, may: [deployments] } }",
      /a token is for argocd, argo-rollouts, flagger, cdevents, kayenta, proposals alone/,
    ],
    [
      "a secret for a tool that cannot sign",
      "senders: { a: { secret: env:CI, may: [flagger] } }",
      /senders\.a\.secret: flagger is not signed: give its sender a token/,
    ],
    [
      "a secret for events that no signature comes with",
      "senders: { a: { secret: env:CI, may: [tags, cdevents] } }",
      /senders\.a\.secret: cdevents is not signed: give its sender a token/,
    ],
    [
      "a token that reports rollbacks of no tool",
      "senders: { a: { token: env:CI, may: [argocd, rollbacks] } }",
      /senders\.a\.token: a token is for argocd/,
    ],
    [
      "services of a sender that signs",
      "senders: { a: { secret: env:CI, may: [tags], services: [cart] } }",
      /senders\.a\.services: `services` limits a token/,
    ],
    [
      "an agent that answers itself",
      "senders: { a: { secret: env:CI, may: [proposals, approvals] } }",
      /senders\.a\.may: who proposes may not answer/,
    ],
    [
      "services of a sender that proposes and announces",
      "senders: { a: { secret: env:CI, may: [proposals, tags], services: [cart] } }",
      /senders\.a\.services: `services` limits a token, or a sender of proposals alone/,
    ],
    [
      "rules of GitHub without an App",
      "senders: { a: { secret: env:CI, may: [github-protection] } }",
      /github-protection needs `github`/,
    ],
    [
      "a token that would go anywhere in the clear",
      "github: { api: 'http://ghe.example/api/v3', app: 1, key: env:CI, environments: {} }",
      /github\.api: expected https/,
    ],
    [
      "a key that is none",
      "github: { app: 1, key: env:CI, environments: {} }",
      /github\.key: expected the App's private key, in PEM/,
    ],
    ["pages of two kinds", "page: { slack: env:CI, url: 'http://p' }", /expected https:\/\/hooks/],
    ["pages of no kind", "page: { timeout: 5s }", /`url` and `secret`, or `slack`, or `pagerduty`/],
    [
      "clicks of unknown people",
      "senders: { a: { secret: env:CI, may: [slack] } }",
      /give slack\.people/,
    ],
    ["a platform of no kind", "platform: { giveUp: 5m }", /`url` and `secret`, or `askedBy`/],
    [
      "a platform of two kinds",
      "platform: { url: 'http://p', secret: env:CI, askedBy: flagger }",
      /`url` and `secret`, or `askedBy`/,
    ],
    [
      "a platform that cannot ask",
      "platform: { askedBy: argo-rollouts }",
      /platform\.askedBy: no sender may send argo-rollouts/,
    ],
    [
      "GitHub among others",
      "senders: { a: { secret: env:CI, may: [github, tags] } }",
      /each a sender of its own/,
    ],
    ["acting with nobody to ask", "act: true", /6:1: act: .*`platform`/],
    [
      "acting unheard",
      "act: true\nplatform: { url: 'http://p', secret: env:CI }",
      /`act: true` needs `page`/,
    ],
    [
      "a password in an address",
      "page: { url: 'http://a:b@p', secret: env:CI }",
      /no place in an address/,
    ],
    ["listening to the world", "listen: 0.0.0.0:80", /readers of the status need a token/],
    ["no address", "listen: 8440", /expected an address and a port/],
    [
      "a halt of one team",
      "entitled: [{ who: [ana], may: [halt], teams: [pay] }]",
      /grant it apart/,
    ],
    ["a group in a group", "groups: { a: [b], b: [c] }", /groups\.a: b is a group/],
    ["two leases", "lease: { directory: l, redis: 'redis://r' }", /not both/],
    ["an endless signature", "window: 10h", /expected a duration from 10s to 1h/],
    [
      "a timezone that is none",
      "services: { a: { timezone: Mars/Base } }",
      /6:18: services\.a\.timezone: expected an IANA name/,
    ],
  ])("refuses %s", (_what, line, message) => {
    expect(() => read(LEAST + line)).toThrow(message);
  });

  it("reads a catalog from CSV as from YAML, and leaves no row out", async () => {
    const csv =
      "service,team,criticality,timezone,depends_on\ncart,shop,high,Europe/Berlin,pay;db\n";
    const yaml =
      "cart: { team: shop, criticality: high, timezone: Europe/Berlin, dependsOn: [pay, db] }\n";
    const files = { "s.csv": csv, "s.yaml": yaml, "bad.csv": csv.replace("high", "urgent") };
    const of = async (name: string) =>
      readServices(read(`${LEAST}services: ${name}\n`, files).services);
    const fromCsv = await of("s.csv");
    expect(fromCsv).toEqual(await of("s.yaml"));
    expect(fromCsv).toMatchObject([{ service: "cart", team: "shop", dependsOn: ["db", "pay"] }]);
    await expect(of("bad.csv")).rejects.toThrow(/criticality is not one of .*bad\.csv:2/s);
    await expect(of("none.csv")).rejects.toThrow(/no such service catalog/);
  });

  it("has a JSON Schema that knows every key of the shipped example", () => {
    const schema = shadowJsonSchema() as { properties: object; additionalProperties: boolean };
    const example = readFileSync("scenarios/shadow/shadow.yaml", "utf8");
    const keys = [...example.matchAll(/^(\w+):/gm)].map(([, key]) => key!);
    expect(keys.length).toBeGreaterThan(8);
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(keys));
    expect(schema.additionalProperties).toBe(false);
  });

  it("is described in words, with warnings of likely mistakes", async () => {
    const run = await inTurn(["shadow", "scenarios/shadow/shadow.yaml", "--check", "--json"]);
    expect(run.code).toBe(2);
    const { act, says, faults } = JSON.parse(run.stdout) as Record<string, readonly string[]>;
    expect(act).toBe(false);
    expect(says).toContain("payments-on-call may override, approve of payments.");
    expect(faults).toContain("there is no secret at env:HINDSIGHT_CHAT");
    const started = await inTurn(["shadow", "scenarios/shadow/shadow.yaml"]);
    expect(started.code).toBe(2);
    expect(started.stderr).toMatch(
      /shadow\.yaml:\d+:\d+: senders\.chat\.secret: there is no secret/,
    );
  });

  it("is checked: exit code 0 if the host would start, and 2 if it would not", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "shadow.yaml");
    const policy = resolve("scenarios/policies/two-minute-override.yaml");
    const write = (more: string): void =>
      writeFileSync(file, LEAST.replace("policy.yaml", policy) + more);
    const check = async (): Promise<[number | null, string]> => {
      const { code, stderr } = await inTurn(["shadow", file, "--check"]);
      return [code, stderr];
    };
    write("");
    expect((await check())[0]).toBe(0);
    write("audit: { signKey: none.key }\n");
    expect(await check()).toEqual([2, expect.stringContaining("will not start")]);
    const withoutSecrets = () => inTurn(["shadow", file, "--check", "--without-secrets"]);
    write("senders: { ci: { secret: env:NO_SUCH_SECRET, may: [deployments] } }\n");
    expect(await check()).toEqual([2, expect.stringContaining("will not start")]);
    expect(await withoutSecrets()).toMatchObject({ code: 0 });
    write("senders: { sre: { secret: env:NONE, may: [proposals] } }\n");
    expect((await withoutSecrets()).stderr).toContain("proposals change nothing");
  });
});
