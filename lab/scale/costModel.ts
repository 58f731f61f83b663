/**
 * Predicts what a run costs: the processor time of every unit from measured rates, and the time at
 * which the last of N workers is done, by simulating how they take the units in turn.
 *
 * The rates are of one machine and one kind of policy: calibrate them on a small run of your own
 * (test/scale/costModel.test.ts shows how). Times are in milliseconds, sizes in bytes.
 */

/**
 * Measured processor times. Fixed costs of a worker (loading and compiling code, opening the
 * history) are separate from costs that grow; otherwise the start of a small run would be taken for
 * growth.
 */
export interface Rates {
  /** The fixed cost of a worker that judges. */
  readonly startMs: number;
  /** Judging one deployment under one detection. */
  readonly judgeMsPerDeployment: number;
  /** The fixed cost of a worker that decides. */
  readonly decideStartMs: number;
  /** Reading the judgements of one deployment under one detection. */
  readonly readMsPerDeployment: number;
  /** Deciding one deployment under one policy. */
  readonly decideMsPerDeployment: number;
}

/** The units of a run. */
export interface RunShape {
  /** The number of deployments in each shard. */
  readonly shards: readonly number[];
  readonly detections: number;
  /** The number of policies in each batch. */
  readonly batches: readonly number[];
}

export interface Predicted {
  /** Processor time of all workers together. */
  readonly judgeMs: number;
  readonly rowsMs: number;
  /** The time until the last worker is done, if each has a core. */
  readonly longestMs: number;
}

export function predictRun(
  { shards, detections, batches }: RunShape,
  rates: Rates,
  workers: number,
): Predicted {
  const deployments = sum(shards);
  const judging = shards.map((size) => rates.judgeMsPerDeployment * size * detections);
  const deciding = batches.map((policies) => rates.decideMsPerDeployment * deployments * policies);
  const prepareMs = rates.decideStartMs + rates.readMsPerDeployment * deployments * detections;
  // Deciding begins only when everything is judged.
  const judged = takenInTurn(
    judging,
    new Array<number>(Math.min(workers, shards.length)).fill(0),
    rates.startMs,
  );
  const idle = [...judged];
  while (idle.length < Math.min(workers, batches.length)) idle.push(0);
  const begins = Math.max(0, ...judged);
  const decided = takenInTurn(
    deciding,
    idle.map(() => 0),
    prepareMs,
  );
  return {
    judgeMs: sum(judged),
    rowsMs: sum(decided),
    longestMs: begins + Math.max(0, ...decided),
  };
}

/**
 * How long each worker is busy in the end, if the first free worker takes the next unit.
 *
 * @param busy how long each is busy before
 * @param firstMs added to a worker's first unit
 */
export function takenInTurn(
  units: readonly number[],
  busy: readonly number[],
  firstMs: number,
): readonly number[] {
  const lanes = busy.map((ms) => ({ ms, begun: false }));
  for (const unit of units) {
    const free = lanes.reduce((first, other) => (other.ms < first.ms ? other : first));
    free.ms += unit + (free.begun ? 0 : firstMs);
    free.begun = true;
  }
  return lanes.map(({ ms }) => ms);
}

/** The size of a hypothetical fleet. */
export interface Fleet {
  readonly services: number;
  readonly metricsPerService: number;
  readonly days: number;
  readonly stepSeconds: number;
  readonly deploymentsPerServiceDay: number;
  /** Baseline and watch of one deployment, in hours. */
  readonly windowHours: number;
}

/** Measured sizes. */
export interface Sizes {
  readonly storedBytesPerSample: number;
  /** One deployment's judgements under one detection, packed. */
  readonly packedBytesPerJudged: number;
  /** The same in memory, for deciding. */
  readonly heldBytesPerJudged: number;
}

export interface FleetPlan {
  readonly samples: number;
  readonly storedBytes: number;
  readonly deployments: number;
  /** Samples that any window touches, each once. */
  readonly samplesRead: number;
  /** Read over stored: above 1 where windows overlap. */
  readonly readShare: number;
  /** The judgements of all detections in the store. */
  readonly judgedBytes: number;
  /** How much of the store is read, if each of N workers reads all judgements once. */
  readonly shuffleBytes: (workers: number) => number;
  /** What one worker holds in memory to decide under one detection. */
  readonly heldBytesPerDetection: number;
  /** One policy's row: seven sums for every service and stretch of time. */
  readonly rowBytes: number;
}

const SUMS = 7;
const STRETCHES = 20;

export function planFleet(fleet: Fleet, sizes: Sizes, detections: number): FleetPlan {
  const series = fleet.services * fleet.metricsPerService;
  const samples = series * ((fleet.days * 86_400) / fleet.stepSeconds);
  const deployments = fleet.services * fleet.days * fleet.deploymentsPerServiceDay;
  const perWindow = (fleet.windowHours * 3600) / fleet.stepSeconds;
  const samplesRead = deployments * fleet.metricsPerService * perWindow;
  const judgedBytes = deployments * detections * sizes.packedBytesPerJudged;
  return {
    samples,
    storedBytes: samples * sizes.storedBytesPerSample,
    deployments,
    samplesRead,
    readShare: samplesRead / samples,
    judgedBytes,
    shuffleBytes: (workers) => workers * judgedBytes,
    heldBytesPerDetection: deployments * sizes.heldBytesPerJudged,
    rowBytes: SUMS * STRETCHES * 8 * fleet.services,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
