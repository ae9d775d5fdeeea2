/** One import or re-export of a source file. */
export interface Import {
  /** The specifier as written. */
  specifier: string;
  /** Whether it is gone when types are stripped. */
  typeOnly: boolean;
}

const STATIC = /\b(?:import|export)\s+(type\s+(?!from\b|,))?(?:[\w$*{}\s,]|"[^"]*"\s+as\b)*?\bfrom\s*(["'])([^"']*)\2/g;
const BARE = /\bimport\s*(["'])([^"']*)\1/g;
const DYNAMIC = /\bimport\s*\(\s*(["'])([^"']*)\1/g;

/** What a TypeScript source imports, statically and dynamically. */
export function importsOf(source: string): Import[] {
  const code = codeOf(source);
  return [
    ...[...code.matchAll(STATIC)].map(([, type, , specifier]) => ({ specifier: specifier!, typeOnly: type !== undefined })),
    ...[...code.matchAll(BARE), ...code.matchAll(DYNAMIC)].map(([, , specifier]) => ({ specifier: specifier!, typeOnly: false })),
  ];
}

/**
 * A source without its comments, and with its regular expressions, template texts and strings emptied: examples in
 * comments and programs in strings import nothing. The strings that name a module stay.
 */
export function codeOf(source: string): string {
  return code(source, 0, "").text;
}

/** Copies code from `at` up to the `}` that closes a template's hole, or to the end. */
function code(source: string, at: number, end: string): { text: string; at: number } {
  let text = "", depth = 0;
  while (at < source.length) {
    const char = source[at]!, next = source[at + 1];
    if (char === end && depth === 0) return { text, at };
    if (char === "/" && next === "/") {
      at = until(source, "\n", at);
    } else if (char === "/" && next === "*") {
      at = until(source, "*/", at + 2) + 2;
      text += " ";
    } else if (char === '"' || char === "'") {
      const close = closing(source, at);
      text += namesModule(text) ? source.slice(at, close + 1) : char + char;
      at = close + 1;
    } else if (char === "`") {
      const template = templateText(source, at + 1);
      text += "``" + template.text;
      at = template.at;
    } else if (char === "/" && startsExpression(text)) {
      at = regexEnd(source, at + 1);
      text += "/ /";
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      text += char;
      at++;
    }
  }
  return { text, at };
}

/** The code in the holes of a template whose text starts at `at`. */
function templateText(source: string, at: number): { text: string; at: number } {
  let text = "";
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "\\") at += 2;
    else if (source.startsWith("${", at)) {
      const hole = code(source, at + 2, "}");
      text += ` (${hole.text})`;
      at = hole.at + 1;
    } else at++;
  }
  return { text, at: at + 1 };
}

function closing(source: string, open: number): number {
  let at = open + 1;
  while (at < source.length && source[at] !== source[open] && source[at] !== "\n") at += source[at] === "\\" ? 2 : 1;
  return at;
}

function regexEnd(source: string, at: number): number {
  let inClass = false;
  while (at < source.length && source[at] !== "\n" && (inClass || source[at] !== "/")) {
    if (source[at] === "[") inClass = true;
    if (source[at] === "]") inClass = false;
    at += source[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

function until(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return found === -1 ? source.length : found;
}

function namesModule(before: string): boolean {
  return /(?:\bfrom|\bimport|\bimport\s*\()\s*$/.test(before.slice(-40));
}

/** A slash divides after a value, and opens a regular expression anywhere else. */
function startsExpression(before: string): boolean {
  return /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield|void|delete|throw|else|do))\s*$/.test(before.slice(-20));
}
