/** A stand-in for GitHub's API: tokens of an App, and the reviews of protection rules. */

import { createVerify, generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import { listen } from "../prometheus.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
export const APP_KEY = privateKey;
export const APP = 123456;

export interface Reviewed {
  readonly path: string;
  readonly environment_name: string;
  readonly state?: string;
  readonly comment: string;
}

/** `down` closes the connection, `slow` never answers, `expired` refuses the token once. */
type Mood = "well" | "down" | "slow" | "expired" | "gone" | "moved";

export interface GithubServer {
  readonly url: string;
  readonly server: Server;
  readonly reviews: Reviewed[];
  readonly tokens: readonly string[];
  mood: Mood;
  /** How many requests came in this mood. */
  asked: number;
}

export async function startGithub(nowMs: () => number): Promise<GithubServer> {
  const reviews: Reviewed[] = [];
  const tokens: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const { url: path = "", headers } = request;
      const bearer = headers.authorization?.replace(/^Bearer /, "") ?? "";
      const json = (status: number, body: object): void => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      };
      github.asked++;
      if (github.mood === "down") return void request.socket.destroy();
      if (github.mood === "slow") return;
      if (github.mood === "moved") {
        return void response.writeHead(307, { location: `${github.url}/elsewhere` }).end();
      }
      if (/^\/app\/installations\/\d+\/access_tokens$/.test(path)) {
        if (!isSigned(bearer, nowMs())) return json(401, { message: "Bad credentials" });
        tokens.push(`ghs_${tokens.length}_a-token-of-an-installation`);
        const expires = new Date(nowMs() + 3_600_000).toISOString();
        return json(201, { token: tokens.at(-1), expires_at: expires });
      }
      if (github.mood === "expired" || bearer !== tokens.at(-1)) {
        github.mood = "well";
        return json(401, { message: "Bad credentials" });
      }
      if (github.mood === "gone") return json(404, { message: "Not Found" });
      reviews.push({ path, ...(JSON.parse(text) as Omit<Reviewed, "path">) });
      response.writeHead(204).end();
    });
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  const github: GithubServer = { url, server, reviews, tokens, mood: "well", asked: 0 };
  return github;
}

/** As GitHub checks the JWT of an App: its key, its ID, and at most ten minutes. */
function isSigned(token: string, nowMs: number): boolean {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const signed = `${header}.${claims}`;
  const verify = createVerify("RSA-SHA256").update(signed);
  if (!verify.verify(publicKey, signature, "base64url")) return false;
  const { iss, iat, exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as {
    iss: number;
    iat: number;
    exp: number;
  };
  const nowS = nowMs / 1000;
  return iss === APP && iat <= nowS && exp > nowS && exp - iat <= 600;
}
