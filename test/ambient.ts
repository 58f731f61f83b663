/**
 * Runs the engine where nothing ambient answers. The compiler and the tidy test
 * keep clocks and randomness out of the engine's text; this catches what reaches
 * them through a library or a disguise the two did not see.
 *
 * Law: the stubs live only while `run` runs, synchronously, and are taken away
 * whatever happens. A violation that `run` swallows is still a failure.
 */

/** One thing that must not be touched: where it lives, and what to use instead. */
interface Ambient {
  readonly owner: object;
  readonly key: string;
  readonly name: string;
  readonly instead: string;
}

const CLOCK = "time arrives with the event, as atMs and knownAtMs";
const CHANCE = "randomness is an argument, and the engine needs none";
const TIMER = "timers are state: return a due time and let the host tell the clock";
const OUTPUT = "effects are commands for the host";

function ambients(): Ambient[] {
  const of = (owner: object, prefix: string, keys: readonly string[], instead: string) =>
    keys.map((key) => ({ owner, key, name: prefix + key, instead }));
  return [
    ...of(Date, "Date.", ["now"], CLOCK),
    ...of(performance, "performance.", ["now"], CLOCK),
    ...of(process, "process.", ["hrtime", "uptime"], CLOCK),
    ...of(Math, "Math.", ["random"], CHANCE), // tidy-ok: it is forbidden here, not used.
    ...of(crypto, "crypto.", ["randomUUID", "getRandomValues"], CHANCE), // tidy-ok: forbidden here.
    ...of(globalThis, "", ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"], TIMER),
    ...of(process, "process.", ["nextTick"], TIMER),
    ...of(globalThis, "", ["fetch"], OUTPUT),
    ...of(
      console,
      "console.",
      Object.entries(console).flatMap(([key, value]) => (typeof value === "function" ? [key] : [])),
      OUTPUT,
    ),
  ];
}

/** Replaces one property and returns what puts the old one back. */
function replace(owner: object, key: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, key);
  Object.defineProperty(owner, key, { value, configurable: true, writable: true });
  return () => {
    if (before !== undefined) Object.defineProperty(owner, key, before);
    else Reflect.deleteProperty(owner, key); // It was inherited: uncover it again.
  };
}

/**
 * Calls `run` and returns its result; throws when `run` reads a clock, draws a
 * random number, starts a timer, prints or calls the network.
 *
 * @example
 * const step = forbidAmbient(() => handle(policy, state, event));
 */
export function forbidAmbient<Result>(run: () => Result): Result {
  const touched: string[] = [];
  const refuse = (name: string, instead: string): never => {
    const message = `${name} is ambient: ${instead}`;
    touched.push(message);
    throw new Error(message);
  };
  const realDate = Date;
  const restores: (() => void)[] = [];
  try {
    for (const { owner, key, name, instead } of ambients()) {
      restores.push(replace(owner, key, () => refuse(name, instead)));
    }
    // A date of a given time is arithmetic; only a date of "now" is ambient.
    const date = new Proxy(realDate, {
      construct: (target, given: unknown[]) =>
        given.length === 0
          ? refuse("new Date()", CLOCK)
          : (Reflect.construct(target, given) as Date),
      apply: () => refuse("Date()", CLOCK),
    });
    restores.push(replace(globalThis, "Date", date));
    const result = run();
    if (typeof (result as { then?: unknown } | null | undefined)?.then === "function") {
      throw new Error("forbidAmbient watches synchronous code only, and this returned a promise");
    }
    if (touched.length > 0) throw new Error(`swallowed: ${touched.join("; ")}`);
    return result;
  } finally {
    for (const restore of restores.reverse()) restore();
  }
}
