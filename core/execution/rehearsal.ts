/**
 * A rehearsal: other code than wrote a history is led through it, to see whether it keeps to it.
 *
 * It is the loop of live runs, at a desk of its own. Nothing that it appends is written, and nothing of it is ever
 * durable: so no body runs, no call is made, no log is shown. What the history has not settled stays open.
 *
 * @module
 */
import { TenureError } from "../errors.ts";
import { evolve } from "../instance/evolve.ts";
import { record } from "../instance/records.ts";
import type { State } from "../instance/state.ts";
import type { Limits } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Death, Guest, Turn } from "../ports/guest.ts";
import type { Desk, StreamStore } from "./desk.ts";
import { createExecution } from "./execution.ts";
import type { Execution, Run } from "./run.ts";

/** How code fails to keep to a history. */
export interface Departure {
  /** `nondeterministic`: it does something else; any other: its guest dies on the way. */
  readonly code: "nondeterministic" | Exclude<Death["code"], "code_unavailable">;
  /** In words. */
  readonly message: string;
  /** What the history holds there: `step "charge"`. */
  readonly expected: string | null;
  /** What the code did there; `null`: nothing. */
  readonly found: string | null;
}

/** What a rehearsal is made of. */
export interface RehearsalParts {
  readonly clock: Clock;
  readonly limits: Limits;
  /** What the journal says: a copy, which is changed. */
  readonly state: State;
  /** The instance's streams: what the history refers to may be read. */
  readonly streams: Pick<StreamStore, "get">;
  /** Opens a guest of the code; `ready`: it has commands to collect. */
  open(ready: () => void): Promise<Omit<Run, "key">>;
  /** Has its next turns run when it is time for them. */
  queue(turn: () => void): void;
  /** Ends it: rejects with its reason. */
  readonly signal: AbortSignal;
}

/** Turns that it may take before another gets its turn. */
const TURNS = 16;
/** How long they may take, ms. */
const SLICE = 2;

/** Leads a guest through a history: `undefined` when the code keeps to it. Rejects when no guest can be opened. */
export async function rehearse(parts: RehearsalParts): Promise<Departure | undefined> {
  const { clock, limits, state, signal } = parts;
  let execution: Execution | undefined;
  const { guest, ...run } = await parts.open(() => execution?.collect());
  return new Promise<Departure | undefined>((resolve, reject) => {
    /** Turns of an asynchronous guest that are under way. */
    let turning = 0;
    let over = false;
    let departure: Departure | undefined;

    function end(): void {
      over = true;
      signal.removeEventListener("abort", abort);
      if (execution === undefined) guest.drop();
      else execution.close();
    }

    function abort(): void {
      end();
      reject(signal.reason);
    }

    function go(): void {
      if (over || execution === undefined) return;
      const standing = execution.advance(TURNS, SLICE);
      if (standing === "dead") died(FAILED);
      if (departure === undefined && standing === "ready") return parts.queue(go);
      // a guest that acts by itself may still come to what its history holds
      if (departure === undefined && standing === "busy" && (turning > 0 || execution.replaying())) return;
      end();
      resolve(departure);
    }

    const desk: Desk = {
      clock,
      limits,
      state,
      append(records) {
        for (const each of records) {
          const { head } = each;
          if (head.k === "paused" && head.code === "nondeterministic") {
            departure ??= { code: head.code, message: head.message ?? "", expected: head.expected ?? null, found: head.found ?? null };
          }
          evolve(state, each, 0);
        }
      },
      // never durable: what waits for a commit waits for ever, and goes with the rehearsal
      afterCommit() {},
      durable: () => Infinity,
      // the history stands still: nothing begins, no time comes
      draining: () => true,
      turning: (by) => void (turning += by),
      runnable: () => parts.queue(go),
      streams: { get: parts.streams.get, put() {} },
      call: () => Promise.reject(new TypeError("A rehearsal makes no call")),
      start: () => Promise.reject(new TypeError("A rehearsal starts no child")),
      log() {},
    };

    function died({ code, message }: Death): void {
      if (code === "code_unavailable") {
        end();
        return reject(new TenureError(code, message));
      }
      departure ??= { code, message, expected: null, found: null };
    }

    function look(turn: Turn): Turn {
      if (turn.state === "dead") died(turn.death ?? FAILED);
      return turn;
    }

    const watched: Guest = {
      turn(frame, time) {
        const turn = guest.turn(frame, time);
        return turn instanceof Promise ? turn.then(look) : look(turn);
      },
      drop: () => guest.drop(),
    };

    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    // a pause, or having been parked, is no matter of the history
    if (state.phase !== "active") evolve(state, record({ k: "resumed", t: state.t }), 0);
    execution = createExecution(desk, { ...run, key: "", guest: watched });
    parts.queue(go);
  });
}

const FAILED: Death = { code: "guest_failed", message: "The sandbox failed" };
