/**
 * What an execution is given, and what it answers.
 *
 * @module
 */
import type { Guest } from "../ports/guest.ts";
import type { Grants } from "./deliveries.ts";

/** What an execution runs. */
export interface Run {
  readonly workflow: string;
  readonly id: string;
  readonly className: string;
  readonly grants: Grants;
  /** Distinguishes attempts across instances and lives, for idempotency keys. */
  readonly key: string;
  /** Whether the guest reaches the outside only through us. */
  readonly mediated: boolean;
  readonly guest: Guest;
}

/** Where an execution stands after {@linkcode Execution.advance}. */
export type Standing =
  /** More can be done at once. */
  | "ready"
  /** It waits for a commit, its guest, a body or a call. */
  | "busy"
  /** Only time or a message can move it: its guest can go. */
  | "resting"
  /** Over, paused, or ended with nothing left to run. */
  | "over"
  /** Its guest died of something that is not the tenant's error: it has to be made anew. */
  | "dead";

/** One live run. */
export interface Execution {
  /** Runs up to `turns` turns; no other begins after `ms`. */
  advance(turns: number, ms: number): Standing;
  /** Attempts that run. */
  running(): number;
  /** Whether the guest has still to be given, or to issue again, what the history holds. */
  replaying(): boolean;
  /** How long nothing happens by itself, ms; perhaps less. `Infinity`: for ever. */
  idle(): number;
  /** The guest has issued commands between turns. */
  collect(): void;
  /** Lets the guest go; late answers are nobody's. */
  close(): void;
}
