/**
 * A guest that is driven without an engine: its deliveries, its timers and its binding calls, of which nothing is
 * recorded. What it asks for beside is its caller's to answer.
 *
 * @module
 */
import { type Received, readCommand } from "../../core/execution/commands.ts";
import type { Granted } from "../../core/execution/bindings.ts";
import { frame } from "../../core/frame.ts";
import { failure } from "../../core/instance/failures.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Death, Guest, GuestCaps, Turn } from "../../core/ports/guest.ts";

/** What a guest is driven with. */
export interface DriverParts {
  readonly guest: Guest;
  readonly caps: GuestCaps;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly granted: Granted;
  /** Shows a line of its log. */
  log(level: "debug" | "info" | "warn" | "error", text: string): void;
  /** Takes what is not the driver's. */
  command(received: Received): void;
  /** It has died, sent what could not be taken, or waits for what never comes. */
  failed(error: unknown): void;
  /** What the clock of its own code shows outside of steps; `null`: the real time. */
  time?(): number | null;
  /** Runs something where the code of a step runs; 0: outside of any. */
  within?(scope: number, run: () => void): void;
}

/** Drives it. */
export interface Driver {
  /** Delivers a frame. */
  deliver(text: string, scope?: number): void;
  /** Settles what it waits for. */
  settle(id: number, ok: boolean, value: string | undefined, scope?: number): void;
  /** Refuses it, by an error of this name. */
  refuse(id: number, name: string, message: string, scope?: number): void;
  /** Says that something is waited for (1), or not any more (-1). */
  waits(by: 1 | -1): void;
  /** Collects what it has issued by itself. */
  collect(): void;
  /** Lets it go. */
  close(): void;
}

/** A guest that has died. */
export class GuestDied extends Error {
  readonly death: Death;
  constructor(death: Death = { code: "guest_failed", message: "The sandbox failed" }) {
    super(death.message);
    this.death = death;
  }
}

/** So many lines of its log are shown. */
const MAX_LINES = 1_000;

/** Begins to drive a guest. */
export function drive({ guest, caps, clock, limits, granted, log, command, failed, time = () => null, within = (_scope, run) => run() }: DriverParts): Driver {
  const deliveries: { readonly text: string; readonly scope: number }[] = [];
  const timers = new Map<number, () => void>();
  const never = new AbortController();
  const callKey = clock.uuid();
  let turning = false, over = false, outstanding = 0, calls = 0, lines = 0;
  let incarnation: number | undefined;

  function close(): void {
    if (over) return;
    over = true;
    never.abort();
    for (const stop of timers.values()) stop();
    guest.drop();
  }

  function deliver(text: string, scope = 0): void {
    if (over) return;
    deliveries.push({ text, scope });
    pump();
  }

  function pump(): void {
    while (!turning && !over) {
      const next = deliveries.shift();
      if (next === undefined) return;
      turning = true;
      const turn = guest.turn(next.text, next.scope === 0 ? time() : null);
      if (turn instanceof Promise) return void turn.then(turned).then(pump, failed);
      turned(turn);
    }
  }

  function turned(turn: Turn): void {
    try {
      // what is answered at once is delivered when all of the turn has been looked at
      for (const text of turn.out) if (!over) receive(text);
    } catch (error) {
      // what it sent is the tenant's
      return failed(error);
    } finally {
      turning = false;
    }
    if (over) return;
    if (turn.state === "dead") return failed(new GuestDied(turn.death));
    // made anew, it remembers nothing
    if (turn.incarnation !== (incarnation ??= turn.incarnation)) return failed(new GuestDied({ code: "evicted", message: "The sandbox has taken the guest back" }));
    if (turn.state === "rest" && deliveries.length === 0 && outstanding === 0 && caps.mediated) failed(new Error("The code waits for something that never comes"));
  }

  function receive(text: string): void {
    const received = readCommand(text);
    if (received === undefined) return;
    const { command: given, value } = received;
    switch (given.c) {
      case "log":
        if (lines++ < MAX_LINES) log(given.level, value);
        return;
      case "call":
        if (given.target.startsWith("tenure:")) return command(received);
        return within(given.in, () => call(given.id, given.in, given.target, given.method, value));
      case "timer": {
        outstanding++;
        const { id, ms } = given;
        timers.set(id, clock.setTimer(ms, () => {
          timers.delete(id);
          outstanding--;
          within(given.in, () => settle(id, true, undefined, given.in));
        }));
        return;
      }
      default:
        return command(received);
    }
  }

  function call(id: number, scope: number, target: string, method: string, args: string): void {
    if (++calls > limits.subrequests) return refuse(id, "Error", `The limit of ${limits.subrequests} binding calls has been reached`, scope);
    outstanding++;
    const caller = { step: null, attempt: 1, idempotencyKey: `${callKey}/${calls}`, signal: never.signal };
    void granted.call(target, method, args, caller).then(({ ok, value }) => {
      outstanding--;
      settle(id, ok, value, scope);
    });
  }

  function settle(id: number, ok: boolean, value: string | undefined, scope = 0): void {
    deliver(frame({ d: "settle", now: (scope === 0 ? time() : null) ?? clock.now(), id, ok }, value), scope);
  }

  function refuse(id: number, name: string, message: string, scope = 0): void {
    settle(id, false, failure(name, message).value, scope);
  }

  return {
    deliver,
    settle,
    refuse,
    waits(by) {
      outstanding += by;
    },
    collect: () => deliver(""),
    close,
  };
}
