/**
 * The prelude: what runs first inside a VM guest. Bundled into one script, `PRELUDE` of prelude.generated.ts.
 *
 * The contract with the adapter that boots the VM:
 *
 * 1. Before: the global `__send(text: string): void`, a function of the host. The prelude takes and deletes it, and
 *    calls it with every frame that the guest issues. It may be called in any turn, also while modules are evaluated
 *    (logs). What it throws goes to the tenant: it should rather remember that the guest has to die.
 * 2. Evaluate `PRELUDE` as a script. It defines the global `__tenure`: configurable, not enumerable, not writable;
 *    a frozen object without prototype:
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
export {};
