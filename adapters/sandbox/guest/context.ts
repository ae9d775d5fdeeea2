/**
 * Who issues a command: the run, or one attempt at a step's body.
 *
 * @module
 */

/** The run of an instance, or one attempt. */
export interface Scope {
  /** 0: the run; else the id of the `do` whose body it is. */
  readonly id: number;
  /** 0 for the run. */
  readonly attempt: number;
  /** Seed of the randomness in it. */
  readonly seed: string;
  /** The logical time of the last delivery to it: what "in the past" is judged by. */
  now: number;
  /** Commands issued in it that are not settled. */
  open: number;
  /** Aborted: it may issue nothing more. */
  closed: boolean;
  /** A rollback handler's: it may issue no steps. */
  readonly undoes?: boolean;
}

/** Knows in which scope code runs. */
export interface ContextTracker {
  /** `undefined`: in none. */
  current(): Scope | undefined;
  /** Runs something, and what follows from it, in a scope. */
  run(scope: Scope, what: () => void): void;
}

/**
 * A tracker for guests of which one thing at a time runs to its end: whatever runs until the next delivery runs for
 * the last one.
 */
export function turnContext(): ContextTracker {
  let scope: Scope | undefined;
  return {
    current: () => scope,
    run(next, what) {
      scope = next;
      what();
    },
  };
}
