/**
 * Specifiers that lead elsewhere, on Node.
 *
 * @module
 */
import module from "node:module";

/** Node's hooks that run in the importing thread, which its types know only since 22.15. */
interface WithHooks {
  registerHooks?(hooks: { resolve(specifier: string, context: object, next: (specifier: string, context: object) => object): object }): void;
}

/** Makes specifiers lead to addresses, from now on. */
export function registerHooks(addresses: Readonly<Record<string, string>>): void {
  const hooks = module as unknown as WithHooks;
  if (hooks.registerHooks !== undefined) {
    hooks.registerHooks({
      resolve(specifier, context, next) {
        return Object.hasOwn(addresses, specifier) ? { url: addresses[specifier], shortCircuit: true } : next(specifier, context);
      },
    });
    return;
  }
  // before 22.15: in a thread of its own, from a text
  const source = `const addresses = ${JSON.stringify(addresses)};
export const resolve = (specifier, context, next) =>
  Object.hasOwn(addresses, specifier) ? { url: addresses[specifier], shortCircuit: true } : next(specifier, context);`;
  module.register(`data:text/javascript,${encodeURIComponent(source)}`);
}
