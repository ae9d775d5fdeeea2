/**
 * What a run needs besides its journal: code, a guest, and what the platform grants it.
 *
 * @module
 */
import type { Grants } from "../execution/deliveries.ts";
import type { CallResult, Caller, LogLine } from "../execution/desk.ts";
import type { Limits } from "../limits.ts";
import type { Cron } from "../ports/cron.ts";
import type { Guest } from "../ports/guest.ts";
import type { InstanceKey } from "../ports/store.ts";

/** A guest ready for its first delivery. */
export interface Opened {
  readonly guest: Guest;
  readonly grants: Grants;
  readonly mediated: boolean;
  /** Makes a binding call of this run. */
  call(target: string, method: string, args: string, caller: Caller): Promise<CallResult>;
}

/** Opens guests: the engine's side of code, sandboxes and grants. */
export interface Opener {
  /**
   * Opens a guest for one run.
   *
   * @throws {TenureError} `code_unavailable` when the code cannot be had: the instance is parked
   * @throws {Unopened} when its guest cannot be opened: tried again, and parked after {@linkcode MAX_OPENINGS}. Anything
   * else is the platform's trouble (its storage, its `env`) and tried again until it is over.
   */
  open(key: InstanceKey, version: string, ready: () => void, signal: AbortSignal): Promise<Opened>;
  /** Loads what every guest needs ahead of the first one: whoever waits to take over is to begin at once. */
  warm(): void;
  /** Whether a workflow can be created, and in which version when the platform registered it itself. */
  registered(workflow: string): string | undefined;
  /** When schedules are due. */
  readonly cron: Cron;
  /** The limits of a tenant. */
  limits(tenant: string): Limits;
  /** Shows a log line that is durable. */
  log(key: InstanceKey, line: LogLine): void;
}
