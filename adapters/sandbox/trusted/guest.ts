/**
 * A guest in the host's own realm: no boundary at all.
 *
 * @module
 */
import type { Guest, Turn } from "../../../core/ports/guest.ts";
import { createRuntime, type Runtime, type WorkflowClass } from "../guest/runtime.ts";
import type { Defer } from "./defer.ts";
import { asyncContext } from "./node_async_hooks.ts";

/** What a guest in the host's realm is made of. */
export interface TrustedGuestOptions {
  /** The class of a name. */
  readonly find: (className: string) => WorkflowClass | undefined;
  /** Called when there are commands to collect. */
  readonly ready: () => void;
  /** Runs something in a later macrotask. */
  readonly defer: Defer;
  /** What {@linkcode currentGuest} answers in its code. */
  readonly room?: GuestRoom;
}

/** What code that many guests share finds out about the one that it runs for. */
export interface GuestRoom {
  /** The runtime of the guest. */
  runtime?: Runtime;
  /** The `env` of the guest's run. */
  env?: Record<string, unknown>;
}

/** Makes one. */
export function trustedGuest({ find, ready, defer, room = {} }: TrustedGuestOptions): Guest {
  let out: string[] = [];
  let turning = false;
  let told = false;
  let dropped = false;

  const runtime = createRuntime({
    send(frame) {
      if (dropped) return;
      out.push(frame);
      // A macrotask later: a turn may begin meanwhile and collect it.
      if (!turning && !told) {
        told = true;
        defer(tell);
      }
    },
    find,
    context: asyncContext(room),
    // A step that nobody awaits must not end the host's process when it fails.
    guard: (promise) => void promise.then(undefined, () => {}),
    started(env) {
      room.env = env;
    },
  });
  room.runtime = runtime;

  function tell(): void {
    told = false;
    if (!dropped && !turning && out.length > 0) ready();
  }

  return {
    turn(frame): Promise<Turn> {
      turning = true;
      if (frame !== "") runtime.deliver(frame);
      // When the next macrotask begins there are no jobs left; what comes later comes from I/O and is told.
      return new Promise<Turn>((resolve) => {
        defer(() => {
          turning = false;
          const collected = out;
          out = [];
          resolve({ out: collected, state: runtime.busy() ? "io" : "rest", fuel: 0, incarnation: 1 });
        });
      });
    },
    drop() {
      if (dropped) return;
      dropped = true;
      out = [];
      runtime.stop();
    },
  };
}
