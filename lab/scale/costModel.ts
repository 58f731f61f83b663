/**
 * What a run costs before it is run: processor time of every unit from rates that were measured,
 * and when the last of N workers is done, by letting them take the units in turn as they do.
 *
 * The rates are of one machine and one kind of policy: calibrate them on a small run of your own
 * (test/scale/costModel.test.ts shows how). Times are in milliseconds, sizes in bytes.
 */

/**
 * Processor time, measured. What is fixed for a worker (loading and compiling code, opening the
 * history) stands apart from what grows, or a small run would pass its start off as growth.
 */
export interface Rates {
  /** Of a worker that judges, whatever it judges. */
  readonly startMs: number;
  /** Of judging a deployment under a detection. */
  readonly judgeMsPerDeployment: number;
  /** Of a worker that decides, whatever it decides. */
  readonly decideStartMs: number;
  /** Of a worker that decides: reading what one detection says of a deployment. */
  readonly readMsPerDeployment: number;
  /** Of deciding a deployment under one policy. */
  readonly decideMsPerDeployment: number;
}

/** A run in the units that it is cut into. */
export interface RunShape {
  /** Deployments of each shard. */
  readonly shards: readonly number[];
  readonly detections: number;
  /** Policies of each batch. */
  readonly batches: readonly number[];
}

export interface Predicted {
  /** Processor time of all workers together. */
  readonly judgeMs: number;
  readonly rowsMs: number;
  /** Of the worker that is busy longest: the time a run takes where each has a core. */
  readonly longestMs: number;
}

export function predictRun(
  { shards, detections, batches }: RunShape,
  rates: Rates,
  workers: number,
): Predicted {
  const deployments = shards.reduce((sum, one) => sum + one, 0);
  const judging = shards.map((one) => rates.judgeMsPerDeployment * one * detections);
  const deciding = batches.map((policies) => rates.decideMsPerDeployment * deployments * policies);
  const prepareMs = rates.decideStartMs + rates.readMsPerDeployment * deployments * detections;
  // One question after the other: nobody decides before all is judged.
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

/** How long each worker is busy, when whoever is free first takes the next unit. */
export function takenInTurn(
  units: readonly number[],
  busy: readonly number[],
  firstMs: number,
): readonly number[] {
  const lanes = busy.map((ms) => ({ ms, begun: false }));
  for (const unit of units) {
    const free = lanes.reduce((one, other) => (other.ms < one.ms ? other : one));
    free.ms += unit + (free.begun ? 0 : firstMs);
    free.begun = true;
  }
  return lanes.map(({ ms }) => ms);
}

/** A fleet as large as one likes. */
export interface Fleet {
  readonly services: number;
  readonly metricsPerService: number;
  readonly days: number;
  readonly stepSeconds: number;
  readonly deploymentsPerServiceDay: number;
  /** Of one deployment and metric, baseline and watch. */
  readonly windowHours: number;
}

/** Sizes, measured on a history of this machine. */
export interface Sizes {
  readonly storedBytesPerSample: number;
  /** Of one deployment under one detection, packed. */
  readonly packedBytesPerJudged: number;
  /** The same where it is held in memory to be decided. */
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
  /** Judgements of all detections, as they lie in the store. */
  readonly judgedBytes: number;
  /** What all batches of policies read of them, when each of N workers reads them once. */
  readonly shuffleBytes: (workers: number) => number;
  /** What one worker holds to decide under one detection. */
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
