/**
 * Workflows that the host itself wrote, as guests. They share the host's realm: its clock, its chance, its network. So
 * what they decide by `Date.now()` or `Math.random()` belongs into steps.
 *
 * @module
 */
import type { SandboxAdapter } from "../../../core/ports/guest.ts";
import type { WorkflowClass } from "../guest/runtime.ts";
import { type Defer, defaultDefer, inOneTask } from "./defer.ts";
import { trustedGuest } from "./guest.ts";

/** Options of {@linkcode hostSandbox}. */
export interface HostSandboxOptions {
  /**
   * Promises that the classes have no effects between steps, so that a settlement may be delivered before its commit.
   *
   * @default {false}
   */
  readonly runAhead?: boolean;
  /** Runs something in a later macrotask: `setImmediate`, or a `MessageChannel` by default. */
  readonly defer?: Defer;
}

/**
 * A sandbox (of which only the name is one) for classes of the host.
 *
 * @param find the class that was registered under a name with a version
 */
export function hostSandbox(
  find: (version: string, className: string) => WorkflowClass | undefined,
  options: HostSandboxOptions = {},
): SandboxAdapter {
  const { runAhead = false } = options;
  const defer = inOneTask(options.defer ?? defaultDefer());
  return {
    name: "host",
    caps: { boundary: "none", mediated: runAhead, hardKill: false, memoryCap: false, metered: false },
    prepare() {
      return Promise.reject(new TypeError("Cannot prepare code: classes of the host are registered, not deployed"));
    },
    open(init) {
      return trustedGuest({ find: (className) => find(init.version, className), ready: init.ready, defer });
    },
    close() {
      return Promise.resolve();
    },
  };
}
