/**
 * One call of a tenant's entrypoint outside of any workflow: a guest of its own, gone when the call is over.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Granted } from "../../core/execution/bindings.ts";
import { readCommand } from "../../core/execution/commands.ts";
import { frame } from "../../core/frame.ts";
import type { Limits } from "../../core/limits.ts";
import { failure } from "../../core/instance/failures.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Guest, Prepared, SandboxAdapter, Turn } from "../../core/ports/guest.ts";
import { decode, encode } from "../../core/values.ts";
import { ENTRY_CLASS } from "./layer_frames.ts";

/** What a call is made of. */
export interface OneShot {
  readonly sandbox: SandboxAdapter;
  readonly clock: Clock;
  /** Whose VM it is. */
  readonly tenant: string;
  readonly version: string;
  readonly prepared: Prepared;
  readonly limits: Limits;
  readonly granted: Granted;
  /** What the entry class is asked for. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** Shows a line of the code's log. */
  log(level: "debug" | "info" | "warn" | "error", text: string): void;
  /** Aborts the call when the server is closed. */
  readonly signal: AbortSignal;
}

/** Where the code says its answer, before what it goes on with. */
const HOST = "tenure:host";
/** How long code may go on after its answer, ms: Cloudflare's `waitUntil`. */
const AFTERWARDS = 30_000;
/** So many lines of its log are shown. */
const MAX_LINES = 1_000;

/** Makes the call: resolves with the answer; the guest lives on until what the code waits for has settled. */
export async function callOnce(shot: OneShot): Promise<unknown> {
  const { sandbox, clock, tenant, version, prepared, limits, granted, asked, signal } = shot;
  const never = new AbortController();
  let tell = (): void => {};
  const guest: Guest = await sandbox.open({ tenant, version, prepared, limits, ready: () => tell() }, signal);
  return new Promise((resolve, reject) => {
    const deliveries: string[] = [];
    const timers = new Map<number, () => void>();
    let turning = false, over = false, outstanding = 0, calls = 0, lines = 0;

    function close(error: unknown): void {
      if (over) return;
      over = true;
      reject(error);
      signal.removeEventListener("abort", aborted);
      never.abort();
      for (const stop of timers.values()) stop();
      guest.drop();
    }

    function deliver(text: string): void {
      if (over) return;
      deliveries.push(text);
      pump();
    }

    function pump(): void {
      while (!turning && !over) {
        const next = deliveries.shift();
        if (next === undefined) return;
        turning = true;
        const turn = guest.turn(next, null);
        if (turn instanceof Promise) return void turn.then(turned).then(pump, close);
        turned(turn);
      }
    }

    function turned(turn: Turn): void {
      turning = false;
      try {
        for (const text of turn.out) if (!over) receive(text);
      } catch (error) {
        // what it sent is the tenant's
        return close(error);
      }
      if (over) return;
      if (turn.state === "dead") return close(new Error(turn.death?.message ?? "The sandbox failed"));
      if (turn.state === "rest" && deliveries.length === 0 && outstanding === 0 && sandbox.caps.mediated) close(new Error("The code waits for something that never comes"));
    }

    function receive(text: string): void {
      const received = readCommand(text);
      if (received === undefined) return;
      const { command, value } = received;
      switch (command.c) {
        case "end":
          return close(command.ok ? new Error("The code has not answered") : errorOf(value));
        case "log":
          if (lines++ < MAX_LINES) shot.log(command.level, value);
          return;
        case "call":
          return call(command.id, command.target, command.method, value);
        case "timer": {
          outstanding++;
          const { id, ms } = command;
          timers.set(id, clock.setTimer(ms, () => {
            timers.delete(id);
            outstanding--;
            deliver(settlement(id, true, undefined));
          }));
          return;
        }
        case "do":
        case "sleep":
        case "wait":
        case "child":
        case "state":
          return void deliveries.push(settlement(command.id, false, failure("Error", "Cannot run a step outside of a workflow").value));
        default:
          return;
      }
    }

    function call(id: number, target: string, method: string, args: string): void {
      if (target === HOST) {
        const answer = method === "answer" ? decode(args) as unknown[] : [];
        resolve(answer[0]);
        // what it goes on with is nobody's any more
        timers.set(0, clock.setTimer(AFTERWARDS, () => close(undefined)));
        return void deliveries.push(settlement(id, true, undefined));
      }
      if (++calls > limits.subrequests) {
        return void deliveries.push(settlement(id, false, failure("Error", `The limit of ${limits.subrequests} binding calls has been reached`).value));
      }
      outstanding++;
      const caller = { step: null, attempt: 1, idempotencyKey: `${callKey}/${calls}`, signal: never.signal };
      granted.call(target, method, args, caller).then(({ ok, value }) => {
        outstanding--;
        deliver(settlement(id, ok, value));
      });
    }

    function settlement(id: number, ok: boolean, value: string | undefined): string {
      return frame({ d: "settle", now: clock.now(), id, ok }, value);
    }

    function aborted(): void {
      close(new TenureError("closed", "Cannot answer: the server is closed"));
    }

    const callKey = clock.uuid();
    tell = () => deliver("");
    signal.addEventListener("abort", aborted);
    if (signal.aborted) return aborted();
    const now = clock.now();
    const head = {
      d: "start",
      now,
      seed: clock.uuid(),
      class: ENTRY_CLASS,
      event: { timestamp: now, instanceId: "", workflowName: "" },
      bindings: [...granted.grants.bindings, HOST],
    };
    deliver(frame(head, encode({ params: asked, env: decode(granted.grants.data) })));
  });
}

function errorOf(value: string): unknown {
  try {
    return decode(value);
  } catch {
    return new Error("The code failed");
  }
}
