/**
 * TypeScript to JavaScript, line for line, so that the line of a stack trace is the line that its author wrote.
 *
 * In pure JavaScript: it runs on every host, also where no WebAssembly may be compiled.
 *
 * @module
 */
import { type Transform, transform } from "sucrase";
import type { Diagnostic } from "../../../core/errors.ts";

/** JavaScript, or where the source is wrong. */
export type Stripped =
  | { readonly ok: true; readonly code: string }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

const TRANSFORMS: Readonly<Record<string, Transform[]>> = {
  ".ts": ["typescript"],
  ".mts": ["typescript"],
  ".tsx": ["typescript", "jsx"],
  ".jsx": ["jsx"],
};

/**
 * Longest module that is not JavaScript yet, UTF-16 units. The parser keeps some 300 bytes a token in the host:
 * what is longer than anything that people write by hand has to come as JavaScript.
 */
const MAX_TYPED = 512 * 1024;

/** Makes JavaScript of one module; its language is told by its ending. */
export function strip(file: string, source: string, ending: string): Stripped {
  if (ending === ".json") return json(file, source);
  const transforms = TRANSFORMS[ending];
  if (transforms === undefined) return { ok: true, code: source };
  if (source.length > MAX_TYPED) {
    return refused(file, `the module is longer than ${MAX_TYPED} characters; bundle it to JavaScript`);
  }
  try {
    const { code } = transform(source, { transforms, disableESTransforms: true, production: true });
    return { ok: true, code };
  } catch (error) {
    return { ok: false, diagnostic: located(file, error) };
  }
}

/** The parser puts the place into the error and once more at the end of its message. */
function located(file: string, error: unknown): Diagnostic {
  const { message, loc } = error as { message?: unknown; loc?: { line?: unknown; column?: unknown } };
  const line = typeof loc?.line === "number" ? loc.line : 0;
  const column = typeof loc?.column === "number" ? loc.column : 0;
  const text = String(message).replace(/^Error transforming [^:]*: /, "").replace(/ \(\d+:\d+\)$/, "");
  // A source of a million brackets ends in the host's stack limit: that is the source's fault, and located nowhere.
  const reason = error instanceof RangeError ? "the code is nested too deeply" : text;
  return { file, line, column, message: `SyntaxError: ${reason}` };
}

function json(file: string, source: string): Stripped {
  try {
    JSON.parse(source);
    return { ok: true, code: `export default ${source.replace(/\u2028/g, "\\u2028").replace(/\u2029/g, "\\u2029")};` };
  } catch (error) {
    const reason = error instanceof SyntaxError ? "not valid JSON" : "the JSON is nested too deeply";
    return refused(file, `SyntaxError: ${reason}`);
  }
}

function refused(file: string, message: string): Stripped {
  return { ok: false, diagnostic: { file, line: 0, column: 0, message } };
}
