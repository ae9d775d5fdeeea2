/**
 * What `import` finds in a guest, and the text in which prepared code is kept.
 *
 * @module
 */
import { BUILTIN_MODULES } from "../guest/builtin_modules.ts";
import { PRELUDE } from "../guest/prelude.generated.ts";
import type { PreparedModules } from "../prepare/modules.ts";
import { resolveSpecifier } from "../prepare/names.ts";

/** Answers for QuickJS's module loader. Neither ever throws or fails: a module that is missing is one that throws. */
export interface ModuleSources {
  /** The name of the module that a specifier means. */
  resolve(specifier: string, from: string): string;
  /** Its source. */
  source(name: string): string;
}

/** Raised when prepared text becomes another: what an older release prepared is then prepared again. */
const FORMAT = 1;

/** As kept in `Prepared.text`. */
export function encodePrepared({ modules, main }: PreparedModules): string {
  return JSON.stringify({ quickjs: FORMAT, main, modules });
}

/** Reads `Prepared.text`. Throws when it is not of this format. */
export function decodePrepared(text: string): PreparedModules {
  const { quickjs, main, modules } = JSON.parse(text) as PreparedModules & { readonly quickjs: unknown };
  if (quickjs !== FORMAT || typeof main !== "string" || typeof modules !== "object" || modules === null) {
    throw new Error("Cannot read the prepared code: it is not of this release's format");
  }
  return { main, modules };
}

/** The sources of a tenant's modules; decoded when first asked, because a warm image seldom asks. */
export function tenantSources(text: string): ModuleSources {
  let known: Readonly<Record<string, string>> | undefined;
  const modules = (): Readonly<Record<string, string>> => known ??= decodePrepared(text).modules;
  return moduleSources((name) => Object.hasOwn(modules(), name) ? modules()[name] : undefined);
}

/** The module of the prelude that imports its others. */
export const PRELUDE_MAIN = "prelude:0";

/** The sources of what every guest has before a tenant's code. */
export function preludeSources(): ModuleSources {
  return moduleSources((name) => BUILTIN_MODULES[name] ?? PRELUDE[name]);
}

function moduleSources(find: (name: string) => string | undefined): ModuleSources {
  return {
    resolve(specifier, from) {
      const found = resolveSpecifier(specifier, { from, has: (name) => find(name) !== undefined });
      return found ?? `${MISSING}${specifier.slice(0, 200)}`;
    },
    source(name) {
      const text = name.startsWith(MISSING) ? `there is no module ${JSON.stringify(name.slice(MISSING.length))}` : name;
      return find(name) ?? `throw new TypeError(${JSON.stringify(`Cannot import: ${text}`)});`;
    },
  };
}

/** No module name has a colon, so this is never one. */
const MISSING = "missing:";
