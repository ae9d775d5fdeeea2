/**
 * Modules of CommonJS, and those that are bytes.
 *
 * @module
 */
import { base64Length, fromBase64 } from "../../../core/values/base64.ts";

type Run = (exports: unknown, require: (specifier: string) => unknown, module: { exports: unknown }, file: string, folder: string) => void;

/**
 * Makes a function that evaluates a module when it is first called and gives what it exports.
 *
 * @param table what it requires, by the texts that stand in its source
 */
export function commonJs(name: string, table: readonly (readonly [string, () => unknown])[], source: string): () => unknown {
  const known = new Map(table);
  let module: { exports: unknown } | undefined;
  function require(specifier: string): unknown {
    const load = known.get(specifier);
    if (load !== undefined) return load();
    throw Object.assign(new Error(`Cannot find module "${String(specifier).slice(0, 200)}" in "${name}"`), { code: "MODULE_NOT_FOUND" });
  }
  return () => {
    // before it runs: modules may require one another
    if (module !== undefined) return module.exports;
    module = { exports: {} };
    // a function of its own, and not in strict mode unless it says so
    Reflect.apply(compile(name, source), module.exports, [module.exports, require, module, `/${name}`, `/${name}`.replace(/\/[^/]*$/, "") || "/"]);
    return module.exports;
  };
}

function compile(name: string, source: string): Run {
  try {
    return new Function("exports", "require", "module", "__filename", "__dirname", source) as Run;
  } catch (error) {
    throw new SyntaxError(`${(error as Error).message} in "${name}"`);
  }
}

/** The bytes of a module that is bytes. */
export function bytesOf(base64: string): ArrayBuffer {
  const length = base64Length(base64) as number;
  const bytes = new Uint8Array(length);
  fromBase64(base64, bytes, length);
  return bytes.buffer;
}
