/**
 * One call of a tenant's entrypoint outside of any workflow: a guest of its own, gone when the call is over.
 *
 * @module
 */
import { TenureError } from "../../core/errors.ts";
import type { Granted } from "../../core/execution/bindings.ts";
import type { Received } from "../../core/execution/commands.ts";
import { frame } from "../../core/frame.ts";
import type { Limits } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Prepared, SandboxAdapter } from "../../core/ports/guest.ts";
import { decode, encode } from "../../core/values.ts";
import { type Driver, drive } from "./driver.ts";
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
  /** The guest is gone: the error, when the call has failed, and what it has answered otherwise. */
  ended(error: unknown, answer: unknown): void;
  /** Aborts the call when the server is closed. */
  readonly signal: AbortSignal;
}

/** Where the code says its answer, before what it goes on with. */
const HOST = "tenure:host";
/** How long code may take to answer, ms: what never ends holds a VM. */
const ANSWER_MS = 300_000;
/** How long code may go on after its answer, ms: Cloudflare's `waitUntil`. */
const AFTERWARDS = 30_000;

/** Makes the call: resolves with the answer; the guest lives on until what the code waits for has settled. */
export async function callOnce(shot: OneShot): Promise<unknown> {
  const { sandbox, clock, tenant, version, prepared, limits, granted, asked, signal } = shot;
  let driver: Driver | undefined;
  const guest = await sandbox.open({ tenant, version, prepared, limits, ready: () => driver?.collect() }, signal);
  return new Promise((resolve, reject) => {
    let over = false, answered = false, answer: unknown;
    let stop = clock.setTimer(ANSWER_MS, () => close(new Error(`The code has not answered within ${ANSWER_MS / 1000} seconds`)));

    function close(error: unknown): void {
      if (over) return;
      over = true;
      stop();
      reject(error);
      signal.removeEventListener("abort", aborted);
      driver?.close();
      shot.ended(answered ? undefined : error, answer);
    }

    function command({ command, value }: Received): void {
      switch (command.c) {
        case "end":
          return close(command.ok ? new Error("The code has not answered") : errorOf(value));
        case "call":
          return command.target === HOST && command.method === "answer" ? taken(command.id, value) : driver?.refuse(command.id, "TypeError", "There is no such binding");
        case "do":
        case "sleep":
        case "wait":
        case "child":
        case "state":
          return driver?.refuse(command.id, "Error", "Cannot run a step outside of a workflow");
        default:
          return;
      }
    }

    /** It has answered: what it goes on with is nobody's any more. */
    function taken(id: number, args: string): void {
      if (answered) return driver?.refuse(id, "Error", "The code has answered");
      [answer] = decode(args) as unknown[];
      answered = true;
      resolve(answer);
      stop();
      stop = clock.setTimer(AFTERWARDS, () => close(undefined));
      driver?.settle(id, true, undefined);
    }

    function aborted(): void {
      close(new TenureError("closed", "Cannot answer: the server is closed"));
    }

    driver = drive({ guest, caps: sandbox.caps, clock, limits, granted, log: shot.log, command, failed: close });
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
    driver.deliver(frame(head, encode({ params: asked, env: decode(granted.grants.data) })));
  });
}

function errorOf(value: string): unknown {
  try {
    return decode(value);
  } catch {
    return new Error("The code failed");
  }
}
