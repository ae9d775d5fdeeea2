/**
 * Code as a caller gives it.
 *
 * @module
 */
import { CodeError } from "../errors.ts";
import type { Code } from "../ports/guest.ts";

/**
 * Reads code: a text is one TypeScript module.
 *
 * @throws {CodeError} when it is something else than modules by name, one of them the main one
 */
export function deployable(given: unknown): Code {
  if (typeof given === "string") return { mainModule: "index.ts", modules: { "index.ts": given } };
  const { mainModule, modules } = (typeof given === "object" && given !== null ? given : {}) as Partial<Code>;
  if (typeof mainModule !== "string" || typeof modules !== "object" || modules === null) {
    throw fault("", "it must be a text, or have mainModule and modules");
  }
  const copy: Record<string, string> = Object.create(null);
  for (const [name, source] of Object.entries(modules)) {
    if (typeof source !== "string") throw fault(name, "the module is not a text");
    copy[name] = source;
  }
  if (copy[mainModule] === undefined) throw fault(mainModule, "there is no such module");
  return { mainModule, modules: copy };
}

function fault(file: string, message: string): CodeError {
  return new CodeError([{ file, line: 0, column: 0, message }]);
}
