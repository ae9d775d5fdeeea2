/**
 * The prelude: what runs first inside a VM guest. Bundled into a few modules, `PRELUDE` of prelude.generated.ts.
 *
 * The contract with the adapter that boots the VM:
 *
 * 1. Before: the global `__send(text: string): void`, a function of the host. The prelude takes and deletes it, and
 *    calls it with every frame that the guest issues. It may be called in any turn, also while modules are evaluated
 *    (logs). What it throws goes to the tenant: it should rather remember that the guest has to die.
 * 2. Import `prelude:0`, with the others where it looks for them. It defines the global `__tenure`: configurable, not
 *    enumerable, not writable; a frozen object without prototype:
 *    - `deliver(frame: string): void`: one delivery; then the host pumps jobs until there are none. Never throws.
 *    - `main(namespace: object): void`: registers the namespace of the tenant's main module.
 *    - `classes(): string`: JSON array of the names of its exported classes that have a `run` method.
 *    - `builtins`: what `BUILTIN_MODULES` (builtin_modules.ts) takes its exports from.
 * 3. Evaluate the builtin modules, keep a handle of `__tenure`, `delete globalThis.__tenure`: a tenant who can reach
 *    `deliver` can settle its own steps. (It could harm only itself: the host believes no guest.)
 * 4. Evaluate the tenant's modules; `main(namespace)`; the warm image is taken here, before the first delivery.
 * 5. `deliver` the frames of core/ports/guest.ts. One instance a VM.
 *
 * The adapter's: the clock behind `Date` (the prelude never patches it), stopping, memory. `Math.random`, `crypto`,
 * `console`, timers and the few Web APIs of globals.ts are the prelude's. There is no `fetch` (it throws), no
 * `WebAssembly`, `SharedArrayBuffer`, `Atomics`, no `URL`.
 *
 * @module
 */
import { NonRetryableError, WorkflowEntrypoint } from "../../../core/entrypoint.ts";
import { makeBuiltins } from "./builtins.ts";
import { eachClass, findClass } from "./classes.ts";
import { turnContext } from "./context.ts";
import { defineGlobals } from "./globals.ts";
import { freeze } from "./intrinsics.ts";
import { createRuntime } from "./runtime.ts";

const { defineProperty } = Object;
const { stringify } = JSON;
const realm = globalThis as unknown as { __send: (text: string) => void };
const send = realm.__send;
delete (realm as { __send?: unknown }).__send;

let namespace: object | undefined;
let env: Record<string, unknown> | undefined;
let origin: number | undefined;

// Before the runtime, which takes the AbortController that it finds.
const connect = defineGlobals(() => origin);
const runtime = createRuntime({
  send: (frame) => send(frame),
  find: (name) => namespace === undefined ? undefined : findClass(namespace, name),
  context: turnContext(),
  started(given, now) {
    env = given;
    origin = now;
  },
});
connect(runtime);

const tenure = freeze({
  __proto__: null,
  deliver: freeze((frame: string): void => runtime.deliver(frame)),
  main: freeze((given: object): void => {
    namespace ??= given;
  }),
  classes: freeze((): string => {
    let names = "";
    if (namespace !== undefined) eachClass(namespace, (name) => names += (names === "" ? "" : ",") + stringify(name));
    return `[${names}]`;
  }),
  builtins: makeBuiltins(() => env),
});
// The bundle is minified, and these classes are seen.
const classes = { WorkflowEntrypoint, NonRetryableError, AbortController, AbortSignal, TextEncoder, TextDecoder, ReadableStream, ReadableStreamDefaultReader };
for (const name of Object.keys(classes)) {
  defineProperty(classes[name as keyof typeof classes], "name", { value: name, configurable: true });
}
defineProperty(globalThis, "__tenure", { value: tenure, configurable: true });
