/**
 * The histories of scored scenarios: existing ones, or generated from a world. Each is opened or
 * generated once, however many scenarios use it.
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_VERSION, type JsonObject } from "../../engine/index.ts";
import { onInterrupt } from "../interrupt.ts";
import { silent, type Progress } from "../progress.ts";
import { openHistory, type History } from "../history/open.ts";
import { Problem } from "../problem.ts";
import { generateHistory } from "../simulate/generate.ts";
import { openWorld } from "../simulate/open.ts";
import { makeTemporaryDirectory } from "../unfinished.ts";
import { parseYaml, placeIn } from "../yaml.ts";
import type { Path } from "./expectation.ts";
import type { ScenarioForm } from "./form.ts";
import { pathOf, type ScoredScenario } from "./read.ts";

type WorldForm = NonNullable<ScenarioForm["world"]>;

export interface Samples {
  /** @throws Problem where the history or the world is wrong */
  readonly of: (scenario: ScoredScenario) => Promise<History>;
}

interface Options {
  /** Generate whole worlds, not only the part that a scenario uses. */
  readonly whole?: boolean;
  /** Shows the progress of generating a world. */
  readonly progress?: Progress;
}

/** Calls `use`, then closes all histories and deletes generated ones. */
export async function withSamples<Result>(
  use: (samples: Samples) => Promise<Result>,
  { whole = false, progress = silent }: Options = {},
): Promise<Result> {
  const opened = new Map<string, Promise<History>>();
  const made: string[] = [];
  const forget = onInterrupt(() => removeAll(made));
  const once = (key: string, open: () => Promise<History>): Promise<History> => {
    let found = opened.get(key);
    if (found === undefined) opened.set(key, (found = open()));
    return found;
  };
  try {
    return await use({
      of: (scenario) => {
        const { history, world } = scenario.written;
        if (world === undefined) {
          const dir = pathOf(scenario, history!);
          return once(dir, () => openHistory(dir));
        }
        const { file: named, seed } = world;
        const meant: WorldForm = whole ? { file: named, seed, with: {} } : world;
        const file = pathOf(scenario, named);
        return once(JSON.stringify([file, meant]), async () => {
          const dir = makeTemporaryDirectory("scenario");
          made.push(dir);
          const history = join(dir, "history");
          await generate(scenario, file, meant, history, progress);
          return openHistory(history);
        });
      },
    });
  } finally {
    for (const history of opened.values()) {
      await history.then(
        (one) => one.close(),
        () => undefined,
      );
    }
    removeAll(made);
    forget();
  }
}

function removeAll(dirs: readonly string[]): void {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
}

async function generate(
  scenario: ScoredScenario,
  file: string,
  { seed, from, to, with: changes }: WorldForm,
  dir: string,
  progress: Progress,
): Promise<void> {
  const inPlace = <Value>(path: Path, open: () => Value): Value => {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new Problem(`world: ${error.message}`, placeOf(scenario, path));
    }
  };
  // First open the file unchanged, so that its own errors are not blamed on the scenario.
  const asIs = inPlace(["world", "file"], () => openWorld(file, seed));
  const isChanged = Object.keys(changes).length > 0;
  const { world, loggingPolicy, sources } = isChanged
    ? inPlace(["world", "with"], () =>
        openWorld(file, seed, (text) => withChanges(text, file, changes)),
      )
    : asIs;
  const fromMs = from === undefined ? world.startMs : Date.parse(from);
  const toMs = to === undefined ? world.endMs : Date.parse(to);
  if (fromMs < world.startMs || toMs > world.endMs || toMs <= fromMs) {
    const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    throw new Problem("world: this stretch is not in the world", {
      ...placeOf(scenario, ["world", from === undefined ? "to" : "from"]),
      cure: `It goes from ${iso(world.startMs)} to ${iso(world.endMs)}.`,
    });
  }
  await generateHistory(world, loggingPolicy, dir, {
    force: false,
    madeBy: `hindsight ${ENGINE_VERSION} scenario`,
    sources,
    progress,
    window: { fromMs, toMs },
  });
}

function placeOf({ source }: ScoredScenario, path: Path) {
  return { file: source.file, ...placeIn(source, path) };
}

/** A world file's text with other values at some paths, such as `services.count`. */
function withChanges(text: string, file: string, changes: JsonObject): string {
  const { document } = parseYaml(text, file);
  for (const [path, value] of Object.entries(changes)) document.setIn(path.split("."), value);
  return document.toString();
}
