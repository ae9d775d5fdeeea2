/**
 * Names of a tenant's modules, and what a specifier in one of them means.
 *
 * Names come from the tenant and end up in error messages, stack traces and the memory of a guest. They are looked up
 * in a map and never on a disk: a name that climbs out of the code simply names nothing.
 *
 * @module
 */
import { byteLength } from "../../../core/utf8.ts";
import { BUILTIN_EXPORTS } from "../guest/builtin_modules.ts";

/** Longest module name, UTF-8 bytes. */
export const MAX_NAME_BYTES = 512;

const ENDINGS = [".ts", ".tsx", ".mts", ".js", ".mjs", ".jsx", ".json"];

/** What TypeScript lets people write for a file that has another ending. */
const WRITTEN_AS: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx", ".jsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
};

/** Why a text cannot name a module, or `undefined` when it can. */
export function refuseName(name: string): string | undefined {
  if (name === "") return "a module has an empty name";
  if (byteLength(name) > MAX_NAME_BYTES) return `the module name is longer than ${MAX_NAME_BYTES} bytes`;
  // these are what is refused
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name)) return "the module name has control characters";
  if (/[\ud800-\udfff]/u.test(name)) return "the module name is not well-formed Unicode";
  if (/[\\:?#]/.test(name)) return "the module name has a character that no module name may have (\\ : ? #)";
  if (name.split("/").some((part) => part === "" || part === "." || part === "..")) {
    return "the module name is not a plain relative path such as lib/mail.ts";
  }
  if (endingOf(name) === undefined) return `the module name does not end with one of ${ENDINGS.join(", ")}`;
  return undefined;
}

/** The ending by which a module's language is known. */
export function endingOf(name: string): string | undefined {
  const dot = name.lastIndexOf(".");
  const ending = dot < 0 ? "" : name.slice(dot);
  // `.ts` alone is a hidden file without an ending.
  return ENDINGS.includes(ending) && dot > name.lastIndexOf("/") + 1 ? ending : undefined;
}

/**
 * What `specifier` means in the module `from`: a builtin, the name of a module, or `undefined` for nothing.
 *
 * Tries the path as written, then with the endings that TypeScript swaps, then with an ending added, then as a folder; a
 * bare name as written, then as that of a script.
 */
export function resolveSpecifier(
  specifier: string,
  options: { readonly from: string; readonly has: (name: string) => boolean },
): string | undefined {
  if (Object.hasOwn(BUILTIN_EXPORTS, specifier)) return specifier;
  const relative = /^\.\.?(\/|$)/.test(specifier);
  const path = relative ? join(options.from, specifier) : specifier;
  if (path === undefined) return undefined;
  for (const candidate of relative ? candidates(path) : [path, `${path}.js`]) {
    if (options.has(candidate)) return candidate;
  }
  return undefined;
}

function join(from: string, specifier: string): string | undefined {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}

function* candidates(path: string): Iterable<string> {
  yield path;
  const ending = endingOf(path);
  if (ending !== undefined) {
    for (const other of WRITTEN_AS[ending] ?? []) yield path.slice(0, -ending.length) + other;
  }
  for (const added of ENDINGS) yield path + added;
  for (const added of ENDINGS) yield path === "" ? `index${added}` : `${path}/index${added}`;
}
