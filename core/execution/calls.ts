/**
 * Binding calls of one execution.
 *
 * A call outside of bodies is a command: made when its start is durable, its outcome recorded, at least once, never
 * retried. A call inside a body is the body's own: nothing of it is recorded.
 *
 * @module
 */
import { failure } from "../instance/failures.ts";
import type { Op } from "../instance/state.ts";
import type { Attempt } from "./attempt.ts";
import type { CallResult, Desk } from "./desk.ts";

/** Makes calls. */
export interface Calls {
  /** Keeps the arguments of a call of the run until it is made: replay issues them again, so no journal holds them. */
  keep(op: number, args: string): void;
  /** Makes a call of the run. */
  ofRun(op: Op): Promise<CallResult>;
  /** The run was told of the record of this number. */
  told(seq: number): void;
  /**
   * Makes a call of a body, when all that the run was told is durable: a body sees the run's variables, and the world
   * sees what it calls with.
   */
  ofBody(attempt: Attempt, op: Op, target: string, method: string, args: string): Promise<CallResult>;
}

/** A call of the run is aborted by nothing. Made with the first one: while modules are loaded Workers may not make any. */
let never: AbortSignal | undefined;

/**
 * Makes the calls of one execution.
 *
 * @param key distinguishes the life of the instance from all others, for idempotency keys
 */
export function createCalls(desk: Desk, key: string): Calls {
  const kept = new Map<number, string>();
  let told = -1;
  /** Calls that wait for a commit: a later one does not overtake them. */
  let held = 0;
  return {
    told(seq) {
      told = seq;
    },
    keep: (op, args) => void kept.set(op, args),
    async ofRun(op) {
      const dot = op.name.lastIndexOf(".");
      const caller = { step: null, attempt: op.attempts, idempotencyKey: `${key}/${op.op}`, signal: never ??= new AbortController().signal };
      const args = kept.get(op.op) ?? "j[]";
      kept.delete(op.op);
      return await desk.call(op.name.slice(0, dot), op.name.slice(dot + 1), args, caller);
    },
    async ofBody(attempt, op, target, method, args) {
      const n = ++attempt.calls;
      const { subrequests } = desk.limits;
      if (n > subrequests) {
        return { ok: false, ...failure("WorkflowFatalError", `The limit of ${subrequests} binding calls has been reached`) };
      }
      // those of a delay function are none of the body's, which has them again in its next attempt
      const part = attempt.failed === undefined ? "" : `delay${attempt.attempt}/`;
      const idempotencyKey = `${key}/${op.op}/${part}${n}`;
      if (held > 0 || told >= desk.durable()) {
        held++;
        await new Promise<void>((done) => desk.afterCommit(done));
        held--;
        if (attempt.closed) return { ok: false, ...failure("Error", "The attempt is over") };
      }
      const caller = { step: op.name, attempt: attempt.attempt, idempotencyKey, signal: attempt.signal };
      return await desk.call(target, method, args, caller);
    },
  };
}
