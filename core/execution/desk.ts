/**
 * What an execution asks of the shard that owns it.
 *
 * @module
 */
import type { Records } from "../instance/decide/common.ts";
import type { Start } from "../instance/decide/child.ts";
import type { ChildOf, State } from "../instance/state.ts";
import type { Limits } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { ErrorSummary } from "../ports/guest.ts";

/** Who makes a binding call. */
export interface Caller {
  /** Name of the step whose body calls, or `null`: the run. */
  readonly step: string | null;
  /** The attempt, from 1. */
  readonly attempt: number;
  /** The same for every attempt of a step (and place of the call in it), another in each life. */
  readonly idempotencyKey: string;
  /** Aborts with the attempt. */
  readonly signal: AbortSignal;
}

/** How a call ended; never thrown. */
export interface CallResult {
  readonly ok: boolean;
  /** The result or the error, encoded. */
  readonly value: string;
  readonly error: ErrorSummary | undefined;
}

/** A line that a tenant logged. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
  /** The step in whose body, or `null`. */
  readonly step: string | null;
}

/** Where the pieces of a stream are. */
export interface Series {
  readonly op: number;
  /** The life and the attempt that wrote it. */
  readonly life: number;
  readonly attempt: number;
}

/** The streams of one instance, in the store. */
export interface StreamStore {
  /** Has a piece written with the next commit. */
  put(series: Series, n: number, text: string): void;
  /** Reads a piece that is durable; `null`: it is not there. Waits as long as the store does not answer. */
  get(series: Series, n: number): Promise<string | null>;
}

/** The shard's side of one live instance. */
export interface Desk {
  readonly clock: Clock;
  readonly limits: Limits;
  /** What the journal says; changed only through {@linkcode Desk.append}. */
  readonly state: State;
  /** Applies records to the state and hands them to the committer. */
  append(records: Records): void;
  /** Calls `run` when all that was appended up to now is durable; never when the ownership is lost before. */
  afterCommit(run: () => void): void;
  /** Records with a smaller number are durable. */
  durable(): number;
  /** Whether the engine is letting go. */
  draining(): boolean;
  /** A turn of an asynchronous guest begins (1) or is over (-1): what it comes to is to share the next commit. */
  turning(by: 1 | -1): void;
  /** Asks for {@linkcode Execution.advance} to be called again. */
  runnable(): void;
  /** Makes a binding call. */
  call(target: string, method: string, args: string, caller: Caller): Promise<CallResult>;
  /** Makes a child; resolves when it is durable, or refused. */
  start(op: number, child: ChildOf): Promise<Start>;
  readonly streams: StreamStore;
  /** Takes a log line, to be shown when its turn is durable. */
  log(line: LogLine): void;
}
