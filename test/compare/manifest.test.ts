/** Every number can be made again: a manifest says all that it was made with. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { explanationDocument } from "../../lab/explain/document.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { explainHistory } from "../../lab/explain/find.ts";
import { DEFAULT_RESPONDER } from "../../lab/people/model.ts";
import { silent } from "../../lab/progress.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";
import { FULL, tinyHistory } from "../history/tinyHistory.ts";

const SLOW = { a: { slow: [5, 60], label: "benign" }, b: {} } as const;
const ASKED = { seed: 3, replicates: 100, draws: 2, progress: silent } as const;

it("says who answered, also when their file says something else later", async () => {
  const history = await tinyHistory(SLOW);
  const people = join(temporaryDirectory(), "people.yaml");
  const modelUnder = async (text: string) => {
    writeFileSync(people, text);
    return (await evaluate(history, [FULL], { ...ASKED, people })).manifest.peopleModel;
  };
  expect(await modelUnder("night: { silence: 10% }")).toEqual(DEFAULT_RESPONDER);
  const deaf = await modelUnder("night: { silence: 60% }");
  expect(deaf?.night).toEqual({ ...DEFAULT_RESPONDER.night, silence: 0.6 });
  const { manifest } = await evaluate(history, [FULL], { ...ASKED, people: "absent" });
  expect(manifest).toMatchObject({ people: "absent", peopleModel: null });
});

it("says of a sweep what its last check was drawn with", async () => {
  const history = await tinyHistory(SLOW);
  const vary = "tiers.override.window=1m,5m";
  const design = { kind: "grid", points: 2, seed: 3 } as const;
  const base = openBase(policyFile("two-minute-override"));
  const options = { ...ASKED, people: "modelled", effect: "grow" } as const;
  const swept = await sweep(history, base, [vary], [parseDimension(vary)], design, options);
  expect(swept.manifest).toMatchObject({
    timeZones: process.versions["tz"],
    people: "modelled",
    peopleFrom: "documented defaults",
    peopleModel: DEFAULT_RESPONDER,
    draws: 2,
    effect: "grow",
  });
});

it("says of an explanation which history and which engine it is of", async () => {
  const { dir, manifest } = await tinyHistory(SLOW);
  const found = await explainHistory(dir, FULL, "d-a", "modelled", 3, silent);
  const document = explanationDocument(found);
  expect(document.manifest).toMatchObject({
    history: { digest: manifest.digest },
    policies: [{ name: FULL.policy, digest: FULL.digest }],
    people: "modelled",
    peopleModel: DEFAULT_RESPONDER,
    seed: 3,
  });
  expect(document).toMatchObject({ policy: FULL.policy, tree: { about: "deployment" } });
});
