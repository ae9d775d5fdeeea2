/**
 * The modules that a tenant's code can import without bringing them.
 *
 * @module
 */

/** What each of them exports. In a VM the objects are at `__tenure.builtins[specifier]`. */
export const BUILTIN_EXPORTS: Readonly<Record<string, readonly string[]>> = Object.freeze({
  "cloudflare:workers": ["WorkflowEntrypoint", "WorkerEntrypoint", "RpcTarget", "DurableObject", "env", "exports", "waitUntil"],
  "cloudflare:workflows": ["NonRetryableError"],
  "tenure": ["WorkflowEntrypoint", "NonRetryableError"],
});

/**
 * Their source by specifier, for VMs: each takes its exports from `globalThis.__tenure`, so they have to be evaluated
 * before the adapter deletes it.
 */
export const BUILTIN_MODULES: Readonly<Record<string, string>> = Object.freeze(Object.fromEntries(
  Object.entries(BUILTIN_EXPORTS).map(([specifier, names]) => [
    specifier,
    `const b = globalThis.__tenure.builtins[${JSON.stringify(specifier)}];\n` +
    names.map((name) => `export const ${name} = b.${name};\n`).join(""),
  ]),
));
