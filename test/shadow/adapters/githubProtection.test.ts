/** GitHub's protection rules with the config of lab/shadow/adapters/github-protection.md. */

import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GithubApi } from "../../../lab/shadow/adapters/github/api.ts";
import { Questions } from "../../../lab/shadow/adapters/github/questions.ts";
import { temporaryDirectory } from "../../directories.ts";
import { ROOT } from "../../history/smallWorld.ts";
import { setClock } from "../hosts.ts";
import { closeServer } from "../prometheus.ts";
import { APP, APP_KEY, startGithub, type GithubServer } from "./githubServer.ts";
import { startStage, TOKENS, type HostOnStage } from "./stage.ts";

const page = readFileSync(join(ROOT, "lab/shadow/adapters/github-protection.md"), "utf8");
const CONFIG = /^```yaml\n([\s\S]*?)^```/m.exec(page)![1]!;
const readFixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");
const RULE = readFixture("github-protection-rule.json");
const STATUS = readFixture("github-deployment-status.json");
const SECRETS = { HUB: "the secret of the repository", RULES: "the secret of the App" };
const SHA = "47efb7196c2a1a2fd3f52f2c59f0e2dd3d0e4d54";
const CALLBACK = "/repos/octo-org/shop/actions/runs/23625057533/deployment_protection_rule";

let stage: HostOnStage | null = null;
let github: GithubServer;
let nowMs = (): number => 0;
beforeEach(async () => {
  github = await startGithub(() => nowMs());
});
afterEach(async () => {
  await stage?.close();
  stage = null;
  closeServer(github.server);
});

async function start(change: (config: string) => string = (config) => config) {
  const config = CONFIG.replace("file:github-app.pem", "env:APP_KEY").replace(
    "github:\n",
    `github:\n  api: ${github.url}\n`,
  );
  stage = await startStage(change(config), ["shop"], { ...SECRETS, APP_KEY });
  const { clock } = stage;
  nowMs = () => clock.wallMs();
  return stage;
}

interface Delivered {
  readonly guid?: string;
  readonly secret?: string;
  readonly event?: string;
  readonly signature?: string;
}

async function deliver(path: string, text: string, how: Delivered = {}): Promise<Response> {
  const { secret = path === "github" ? SECRETS.HUB : SECRETS.RULES } = how;
  const hmac = createHmac("sha256", secret).update(text).digest("hex");
  return fetch(`${stage!.url}/v1/${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/1a2b3c4",
      "x-github-event": how.event ?? "deployment_protection_rule",
      "x-github-delivery": how.guid ?? "72d3162e-cc78-11e3-81ab-4c9367dc0958",
      "x-hub-signature-256": how.signature ?? `sha256=${hmac}`,
    },
    body: text,
  });
}

const ruleOf = (change: (text: string) => string = (text) => text): string =>
  change(RULE.replaceAll("https://api.github.com", github.url));
const rule = (text = ruleOf(), how: Delivered = {}): Promise<Response> =>
  deliver("github/protection", text, how);

/** To staging, as a webhook of the repository says it. */
async function deployToStaging(): Promise<void> {
  // A baseline is of samples that were known before the deployment.
  await stage!.poll();
  const text = STATUS.replaceAll("2026-07-01T12:00:00Z", new Date(nowMs()).toISOString());
  const response = await deliver("github", text, { event: "deployment_status" });
  expect(await response.json()).toMatchObject({ accepted: true });
}

/** Polls until something came; each poll lets the host ask GitHub once. */
async function until(isTrue: () => boolean, most = 14): Promise<void> {
  for (let poll = 0; poll < most; poll++) {
    await stage!.poll();
    for (let tries = 0; tries < 15 && !isTrue(); tries++) await setTimeout(2);
    if (isTrue()) return;
  }
  throw new Error(`it never came: ${JSON.stringify(github.reviews)} ${stage!.log.join("")}`);
}

const states = (): (string | undefined)[] => github.reviews.map(({ state }) => state);

describe("a protection rule", () => {
  it("waits with comments, and is approved once staging was healthy", async () => {
    await start();
    expect((await rule()).status).toBe(200);
    await until(() => github.reviews.length === 1);
    await deployToStaging();
    await until(() => github.reviews.at(-1)?.state !== undefined);
    expect(states()).toEqual([undefined, undefined, "approved"]);
    expect(github.reviews.map(({ comment }) => comment)).toEqual([
      expect.stringContaining(`no deployment of ${SHA.slice(0, 12)} of shop to staging`),
      expect.stringContaining("its watch ends at"),
      expect.stringContaining("its watch ended healthy"),
    ]);
    for (const { path, environment_name } of github.reviews) {
      expect([path, environment_name]).toEqual([CALLBACK, "production"]);
    }
    // The first comment was told once, however often the host looked. One token was enough for
    // all, and neither it nor the key is in the log.
    expect(github.tokens).toHaveLength(1);
    const { log } = stage!;
    expect(log.join("")).not.toMatch(/ghs_|PRIVATE KEY|the secret of/);
    expect(await stage!.audit()).toEqual([0, 0]);
  });

  it("is rejected after a rollback in staging, and only waits in a dry run", async () => {
    for (const [act, state] of [
      ["true", "rejected"],
      ["false", undefined],
    ] as const) {
      await start((config) => config.replace("act: true", `act: ${act}`));
      await deployToStaging();
      await stage!.poll();
      stage!.slow.add("shop");
      await stage!.poll();
      await stage!.poll();
      await rule();
      // The order may not have been sent yet when the host looks first.
      await until(() => states().includes(state));
      expect(states().filter((one) => one !== undefined)).toEqual(
        state === undefined ? [] : [state],
      );
      expect(await stage!.audit()).toEqual([0, 0]);
      github.reviews.length = 0;
    }
  });

  it("waits where the environment has no rule, or the commit is another", async () => {
    await start();
    await deployToStaging();
    for (let poll = 0; poll < 8; poll++) await stage!.poll();
    await rule(
      ruleOf((text) => text.replaceAll('"environment": "production"', '"environment": "canary"')),
      { guid: "a" },
    );
    await rule(
      ruleOf((text) => text.replaceAll(SHA, "f".repeat(40)).replace("23625057533", "7")),
      { guid: "b" },
    );
    await until(() => github.reviews.length === 2);
    expect(states()).toEqual([undefined, undefined]);
    expect(github.reviews[0]!.comment).toContain("github.environments");
  });

  it("does not go by a deployment that a token announced", async () => {
    const token = "  rollouts: { token: env:ROLLOUTS, may: [argo-rollouts] }\n";
    await start((config) => config.replace("senders:\n", `senders:\n${token}`));
    await stage!.poll();
    const announce = async (deploymentId: string): Promise<number> => {
      const about = { service: "shop", environment: "staging", version: SHA };
      const response = await fetch(`${stage!.url}/v1/argo-rollouts`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${TOKENS.ROLLOUTS}`,
          "content-type": "application/json",
        },
        body: JSON.stringify({ deploymentId, ...about }),
      });
      return response.status;
    };
    expect(await announce("github/octo-org/shop/2419109999")).toBe(403);
    expect(await announce("github/octo-org/shop@1/2419109999")).toBe(200);
    for (let poll = 0; poll < 8; poll++) await stage!.poll();
    expect(stage!.story("github/octo-org/shop@1/2419109999")).toContain("ended: healthy");
    await rule();
    await until(() => github.reviews.length === 1);
    expect(states()).toEqual([undefined]);
    expect(github.reviews[0]!.comment).toContain("that GitHub announced");
  });

  it("is answered after an outage, a slow answer, an expired token and a restart", async () => {
    await start();
    await deployToStaging();
    for (let poll = 0; poll < 8; poll++) await stage!.poll();
    await rule();
    for (const mood of ["down", "slow"] as const) {
      github.mood = mood;
      github.asked = 0;
      await until(() => github.asked > 0);
    }
    // A request that never ends does not keep the host from ending, nor is the rule forgotten.
    github.mood = "expired";
    await stage!.restart();
    await until(() => github.reviews.length > 0);
    expect(states()).toEqual(["approved"]);
    expect(await stage!.audit()).toEqual([0, 0]);
  });

  it.each(["gone", "moved"] as const)("whose answer is refused pages once: %s", async (mood) => {
    await start();
    github.mood = mood;
    await rule();
    await until(() => stage!.log.join("").includes("fault of github"));
    github.asked = 0;
    for (let poll = 0; poll < 3; poll++) await stage!.poll();
    expect([github.asked, github.reviews]).toEqual([0, []]);
    expect(stage!.log.filter((line) => line.includes("fault of github"))).toHaveLength(1);
  });

  it("that was given up is asked again by Redeliver; one that was answered is not", async () => {
    await start();
    github.mood = "gone";
    await rule();
    await until(() => stage!.log.join("").includes("fault of github"));
    github.mood = "well";
    await deployToStaging();
    for (let poll = 0; poll < 8; poll++) await stage!.poll();
    expect(await (await rule()).json()).toMatchObject({ accepted: true });
    await until(() => states().includes("approved"));
    const reviewed = github.reviews.length;
    expect(await (await rule()).json()).toMatchObject({ accepted: false });
    await stage!.restart();
    expect(await (await rule(ruleOf(), { guid: "b" })).json()).toMatchObject({ accepted: false });
    for (let poll = 0; poll < 2; poll++) await stage!.poll();
    expect(github.reviews).toHaveLength(reviewed);
  });

  it("of a file that is damaged pages, is set aside, and takes no other rule with it", async () => {
    await start();
    await rule();
    await until(() => github.reviews.length === 1);
    const path = join(stage!.journal, "protection.json");
    const [row] = JSON.parse(readFileSync(path, "utf8")) as [{ readonly sha: string }];
    // A row of an older version has no `answered`.
    writeFileSync(
      path,
      JSON.stringify([{ ...row, sha: 7 }, "", row]).replaceAll(',"answered":null', ""),
    );
    await stage!.restart();
    await until(() => stage!.log.join("").includes("fault of github"));
    expect(readFileSync(`${path}.aside`, "utf8").split("\n")).toHaveLength(3);
    await deployToStaging();
    await until(() => states().includes("approved"));
    expect(stage!.log.filter((line) => line.includes("fault of github"))).toHaveLength(2);

    stage!.log.length = 0;
    writeFileSync(path, JSON.stringify([row]).slice(0, -20));
    await stage!.restart();
    await until(() => stage!.log.join("").includes("fault of github"));
    const kept = readdirSync(stage!.journal).filter((name) => name.includes("unreadable"));
    expect(kept).toHaveLength(1);
    expect(readFileSync(join(stage!.journal, kept[0]!), "utf8")).toContain(row.sha);
    expect(await stage!.audit()).toEqual([0, 0]);
  });
});

describe("a delivery", () => {
  it("that is sent again has one effect, whatever name it has", async () => {
    await start();
    const first = await (await rule()).json();
    expect(await (await rule()).json()).toEqual(first);
    expect(await (await rule(ruleOf(), { guid: "another" })).json()).toEqual(first);
    const changed = ruleOf((text) => text.replaceAll("production", "canary"));
    expect((await rule(changed)).status).toBe(409);
    await until(() => github.reviews.length > 0);
    for (let poll = 0; poll < 3; poll++) await stage!.poll();
    expect(github.reviews).toHaveLength(1);
  });

  it.each<[string, Delivered, number]>([
    ["signed with another secret", { secret: "a secret that was guessed" }, 401],
    ["signed with the secret of another sender", { secret: SECRETS.HUB }, 401],
    ["without a signature", { signature: "" }, 401],
    [
      "with the older signature",
      { signature: "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709" },
      401,
    ],
    ["without a name", { guid: "" }, 400],
    ["of another event", { event: "ping" }, 200],
  ])("%s asks nothing", async (_what, how, status) => {
    await start();
    expect((await rule(ruleOf(), how)).status).toBe(status);
    for (let poll = 0; poll < 2; poll++) await stage!.poll();
    expect(github.asked).toBe(0);
  });

  it("with a callback that is not GitHub's is refused, recorded, and gets no token", async () => {
    await start();
    const wrong = [
      "http://127.0.0.1:1/repos/octo-org/shop/actions/runs/1/deployment_protection_rule",
      `${github.url}.evil.example/repos/octo-org/shop/actions/runs/1/deployment_protection_rule`,
      `${github.url}/repos/octo-org/other/actions/runs/1/deployment_protection_rule`,
      `${github.url}${CALLBACK}?to=elsewhere`,
      `${github.url}/repos/octo-org/shop/actions/runs/1/../../../../../user`,
      "file:///etc/passwd",
      "",
    ];
    for (const [at, url] of wrong.entries()) {
      const text = ruleOf((body) => body.replaceAll(github.url + CALLBACK, url));
      expect((await rule(text, { guid: `g-${at}` })).status, url).toBe(400);
    }
    for (let poll = 0; poll < 2; poll++) await stage!.poll();
    expect(github.asked).toBe(0);
    expect(stage!.log.join("")).toContain("deployment_callback_url must lie under github.api");
  });
});

it("remembers for a day how a rule was answered", () => {
  let atMs = 0;
  const path = join(temporaryDirectory(), "protection.json");
  const rule = { key: "", callback: "", environment: "", service: "", sha: "", installation: 1 };
  const about = { ...rule, askedAtMs: 0, told: null, comments: 0, answered: null };
  const open = (): Questions => new Questions(path, () => atMs);
  open().answer({ ...about, key: "a" }, "approved");
  for (const [hours, known] of [
    [23, ["a", "b"]],
    [25, ["b"]],
  ] as const) {
    atMs = hours * 3_600_000;
    const questions = open();
    questions.add({ ...about, key: "b" });
    expect(["a", "b"].filter((key) => open().known(key) !== null)).toEqual(known);
    expect(questions.open.map(({ key }) => key)).toEqual(["b"]);
  }
});

it("takes no URL for a callback but the one of the repository", () => {
  const api = "https://api.github.com";
  const settings = { api, app: APP, key: APP_KEY, environments: {}, giveUp: 1 };
  const github = new GithubApi(settings, setClock());
  const right = `${api}${CALLBACK}`;
  expect(github.isCallback(right, "octo-org/shop")).toBe(true);
  const above = `${api}/repos/../../actions/runs/1/deployment_protection_rule`;
  expect(github.isCallback(above, "../..")).toBe(false);
  const piece = fc.constantFrom(
    ...["https://", "http://", "api.github.com", "@", "evil.example", "/repos/", "octo-org/shop"],
    ...["/actions/runs/", "1", "/deployment_protection_rule", "..", "%2e%2e", "?", "#", "\\", "\t"],
  );
  const url = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("")),
    // The right one with some characters put in, or in the place of others.
    fc
      .tuple(fc.nat(right.length), fc.string({ minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([at, text, replaces]) => {
        return right.slice(0, at) + text + right.slice(at + (replaces ? text.length : 0));
      }),
  );
  fc.assert(
    fc.property(url, (text) => {
      if (!github.isCallback(text, "octo-org/shop")) return;
      const { origin, pathname, search, hash, username } = new URL(text);
      expect([origin, search, hash, username]).toEqual([api, "", "", ""]);
      expect(pathname).toMatch(/^\/repos\/octo-org\/shop\/actions\/runs\/\d+\/deployment_pr\w+$/);
    }),
    { numRuns: 2000, seed: 20261202 },
  );
});
