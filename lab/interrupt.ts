/**
 * Ctrl-C in one place: whoever has something half-written registers how to take
 * it away, and an interrupted process does so before it ends with 130.
 *
 * Clean-ups are synchronous, because after a signal nobody waits for a promise.
 */

const EXIT_INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const cleanups = new Set<() => void>();

function interrupted(): void {
  const pending = [...cleanups].reverse();
  cleanups.clear();
  let left = "nothing half-written was left behind";
  for (const cleanup of pending) {
    try {
      cleanup();
    } catch (error) {
      process.stderr.write(`hindsight: while cleaning up: ${String(error)}\n`);
      left = "what could not be taken away stands above; the next that writes there tries again";
    }
  }
  process.stderr.write(`hindsight: interrupted; ${left}\n`);
  process.exit(EXIT_INTERRUPTED);
}

/** Are the handlers in place? */
let listening = false;

/**
 * Registers a synchronous clean-up for SIGINT, SIGTERM and SIGHUP. Returns how to
 * take it back; the signal handlers exist only while something is registered, and until the
 * event loop has been round: a signal that came while a file was written is told only then, and
 * would be lost on nobody.
 */
export function onInterrupt(cleanup: () => void): () => void {
  if (!listening) for (const signal of SIGNALS) process.on(signal, interrupted);
  listening = true;
  cleanups.add(cleanup);
  return () => {
    if (!cleanups.delete(cleanup) || cleanups.size > 0) return;
    // What is polled for in this round may have been taken already; in the next it has been.
    setImmediate(() => setImmediate(stopListening));
  };
}

function stopListening(): void {
  if (!listening || cleanups.size > 0) return;
  for (const signal of SIGNALS) process.off(signal, interrupted);
  listening = false;
}

/** Ctrl-C and SIGTERM are how a server is ended: no error, and nothing is cut off. */
export function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
}
