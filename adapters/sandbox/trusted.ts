/**
 * Runs tenants' code in the host's own realm, **with no boundary at all**: it can read the environment, reach the
 * network, change any global and never return. For code that the platform itself wrote or reads before it deploys,
 * and for tests.
 *
 * Beside no boundary it differs from a VM in this: the clock and `Math.random` are the host's, so decisions by them
 * belong into steps; `setTimeout`, `fetch` and all else of the host outside of steps are not recorded; modules are
 * evaluated once for all instances of a version, as functions, so top-level `await` and `import.meta` are not there.
 *
 * @module
 */
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import { makeBuiltins } from "./guest/builtins.ts";
import { eachClass, findClass } from "./guest/classes.ts";
import { makeConsole } from "./guest/console.ts";
import { prepareModules } from "./prepare/modules.ts";
import { type Defer, defaultDefer, inOneTask } from "./trusted/defer.ts";
import { type GuestRoom, trustedGuest } from "./trusted/guest.ts";
import { evaluate, toFunctions } from "./trusted/modules.ts";
import { currentGuest, outsideGuests } from "./trusted/node_async_hooks.ts";

export type { Defer } from "./trusted/defer.ts";

/** Options of {@linkcode trusted}. */
export interface TrustedOptions {
  /**
   * Promises that the code has no effects between steps: then a settlement may be delivered before its commit.
   *
   * @default {false}
   */
  readonly runAhead?: boolean;
  /** Runs something in a later macrotask: `setImmediate`, or a `MessageChannel` by default. */
  readonly defer?: Defer;
}

/** Versions whose modules stay evaluated. */
const MAX_VERSIONS = 256;

/**
 * A sandbox without walls.
 *
 * @example
 * ```ts ignore
 * const tenure = await createTenure({ storage: memory(), sandbox: trusted() });
 * ```
 */
export function trusted(options: TrustedOptions = {}): SandboxAdapter {
  const { runAhead = false } = options;
  const defer = inOneTask(options.defer ?? defaultDefer());
  const versions = new Map<string, object>();
  const room = (): GuestRoom | undefined => currentGuest() as GuestRoom | undefined;
  const modules = {
    builtins: makeBuiltins(() => room()?.env),
    console: makeConsole((level, text) => room()?.runtime?.log(level, text)),
  };

  function namespaceOf(tenant: string, version: string, text: string): object {
    const key = JSON.stringify([tenant, version]);
    let namespace = versions.get(key);
    if (namespace === undefined) {
      outsideGuests(() => namespace = evaluate(text, modules));
      if (versions.size >= MAX_VERSIONS) versions.delete(versions.keys().next().value as string);
    } else {
      versions.delete(key);
    }
    versions.set(key, namespace as object);
    return namespace as object;
  }

  return {
    name: "trusted",
    caps: { boundary: "none", mediated: runAhead, hardKill: false, memoryCap: false, metered: false },
    // async, so that code that cannot run rejects
    // deno-lint-ignore require-await
    async prepare(_tenant, code, limits) {
      const text = toFunctions(prepareModules(code, limits));
      const classes: string[] = [];
      outsideGuests(() => eachClass(evaluate(text, modules), (name) => classes.push(name)));
      return { text, classes };
    },
    open(init) {
      const namespace = namespaceOf(init.tenant, init.version, init.prepared.text);
      return trustedGuest({ find: (name) => findClass(namespace, name), ready: init.ready, defer, room: {} });
    },
    close() {
      versions.clear();
      return Promise.resolve();
    },
  };
}
