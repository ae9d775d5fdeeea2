/**
 * Why a guest was stopped, in words for its tenant: nothing of the host's stack or paths.
 *
 * @module
 */
import type { Death } from "../../../core/ports/guest.ts";

/** It ran too long without coming to rest. */
export function cpuDeath(cpuMs: number): Death {
  return { code: "cpu_limit", message: `The code ran for more than ${cpuMs} ms without coming to rest` };
}

/** It was refused memory: its heap is not to be trusted any more. */
export function memoryDeath(): Death {
  return { code: "memory_limit", message: "The code needed more memory than it may have" };
}

/** It recursed through the host's stack. */
export function stackDeath(): Death {
  return { code: "stack_limit", message: "The code was nested too deeply" };
}

/** It sent more in one turn than a host should hold. */
export function messageDeath(): Death {
  return { code: "message_limit", message: "The code sent too much at once" };
}

/** Everything else: a trap, or a guest that broke what runs it. */
export function failedDeath(reason = "The code broke the engine that runs it"): Death {
  return { code: "guest_failed", message: reason };
}

/** What an exception means that came out of a machine. */
export function deathOf(error: unknown): Death {
  // Engines say that their own stack is used up with a RangeError; QuickJS counts another stack.
  return error instanceof RangeError ? stackDeath() : failedDeath();
}
