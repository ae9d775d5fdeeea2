/**
 * Makes `cloudflare:workers`, `cloudflare:workflows`, `dynamic-workflows` and `@cloudflare/dynamic-workflows` lead to
 * this package, so that a dispatcher runs as it stands: `node --import tenure/cloudflare/register main.js`,
 * `bun --preload tenure/cloudflare/register main.ts`. Deno takes an import map: docs/cloudflare.md shows it.
 *
 * @module
 */
import { registerHooks } from "./register/node_module.ts";
import { SPECIFIERS } from "./register/specifiers.ts";

/** What Bun's plugins are made with, as far as it is used. */
interface BunLike {
  plugin(plugin: {
    readonly name: string;
    setup(build: { module(specifier: string, load: () => Promise<{ exports: object; loader: "object" }>): void }): void;
  }): void;
}

const { Bun, Deno } = globalThis as { Bun?: BunLike; Deno?: unknown };
if (Bun !== undefined) {
  Bun.plugin({
    name: "tenure",
    setup(build) {
      for (const [specifier, url] of Object.entries(SPECIFIERS)) {
        build.module(specifier, async () => ({ exports: { ...await import(url) }, loader: "object" }));
      }
    },
  });
} else if (Deno === undefined) {
  registerHooks(SPECIFIERS);
}

/** The specifiers that lead to this package, each with the address of the module. */
export const registered: Readonly<Record<string, string>> = SPECIFIERS;
