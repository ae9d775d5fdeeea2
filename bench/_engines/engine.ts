/**
 * What is measured: an engine that takes runs of n steps and says itself when one is complete.
 *
 * @module
 */

/** What a run is given. Its steps are in it, so that one workflow serves every line. */
export interface Input {
  /** How many steps the run has. */
  readonly steps: number;
  /** Makes it about 200 bytes. */
  readonly note: string;
  /** Waits for an event of type `go` behind the last step (only our own engine does). */
  readonly wait?: boolean;
}

/** What each step answers, and the run: about 200 bytes as JSON, and different for each, so that it can be checked. */
export interface Output {
  readonly ok: true;
  readonly id: string;
  readonly items: readonly number[];
  readonly note: string;
}

/** What a store holds. */
export interface Recorded {
  /** Runs that are complete. */
  readonly runs: number;
  /** Results of steps. */
  readonly steps: number;
}

/** An engine over a store of its own. */
export interface Engine {
  /** Resolves with what the run returned when the engine itself reports it as complete. */
  run(steps: number): Promise<Output>;
  /** Lets go of files. */
  close(): Promise<void>;
  /** Counts in the file, through a connection of its own: what the engine says is not asked. Called when it is closed. */
  recorded(): Recorded;
}

/** The folder of the store; none for stores in memory. */
export interface EngineOptions {
  readonly folder: string;
}

/** Payload of every run. */
export function inputOf(steps: number): Input {
  return { steps, note: NOTE };
}

/** Result of a step. */
export function stepOutput(step: number): Output {
  return { ok: true, id: `order-${step}`, items: [1, 2, step], note: NOTE };
}

/** Result of a run: of its last step, with how many there were and the sum of their numbers. */
export function runOutput(last: Output, steps: number, sum: number): Output {
  return { ...last, items: [steps, sum] };
}

/** Throws unless the run returned what its steps make. */
export function checkOutput(found: Output | undefined, steps: number): void {
  const expected = runOutput(stepOutput(steps - 1), steps, steps * (steps - 1) / 2);
  const items = found?.items;
  const same = found?.ok === true && found.id === expected.id && found.note === NOTE && items?.length === 2;
  if (same && items[0] === expected.items[0] && items[1] === expected.items[1]) return;
  throw new Error(`Cannot count a run of ${steps} steps: it returned ${JSON.stringify(found)}`);
}

const NOTE = "x".repeat(140);
