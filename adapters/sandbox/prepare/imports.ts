/**
 * Finds the specifiers that a module imports.
 *
 * It serves good messages, not safety: what it does not see meets the sandbox's own loader, which knows only the
 * modules of the same code.
 *
 * @module
 */
import { type Token, scanner } from "./scanner.ts";

/** One specifier. */
export interface ImportSite {
  /** The text between the quotes, escapes resolved. */
  readonly specifier: string;
  /** Offset of the opening quote. */
  readonly at: number;
}

/** The specifiers of a module's static imports and exports, and of its `import()` calls with a literal, in order. */
export function* findImports(source: string): Iterable<ImportSite> {
  const tokens = scanner(source);
  let before: Token | undefined;
  let token = tokens.next();
  while (token.kind !== "end") {
    if (token.kind !== "word" || (token.text !== "import" && token.text !== "export") || before?.text === ".") {
      before = token;
      token = tokens.next();
      continue;
    }
    const keyword = token;
    token = tokens.next();
    if (keyword.text === "import" && token.kind === "string") yield site(token);
    else if (keyword.text === "import" && isPunctuator(token, "(")) {
      const argument = tokens.next();
      token = tokens.next();
      if (argument.kind === "string" && (isPunctuator(token, ")") || isPunctuator(token, ","))) yield site(argument);
    } else {
      // A clause: names, braces, commas and stars, up to `from "…"`. Anything else means that this is no import.
      let depth = 0;
      for (; clauseGoesOn(token, depth); before = token, token = tokens.next()) {
        if (isPunctuator(token, "{")) depth++;
        else if (isPunctuator(token, "}")) depth--;
        if (depth < 0) break;
      }
      if (before?.text === "from" && depth === 0 && token.kind === "string") yield site(token);
    }
    before = keyword;
  }
}

function clauseGoesOn(token: Token, depth: number): boolean {
  // Between braces any word is a name, and a name may be a string.
  if (depth > 0 && (token.kind === "word" || token.kind === "string")) return true;
  if (token.kind === "word") return !/^(const|let|var|function|class|async|default|import|export)$/.test(token.text);
  return token.kind === "punctuator" && /^[{},*]$/.test(token.text);
}

function isPunctuator(token: Token, text: string): boolean {
  return token.kind === "punctuator" && token.text === text;
}

function site(token: Token): ImportSite {
  return { specifier: unquote(token.text), at: token.at };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", "\n": "" };

function unquote(literal: string): string {
  const inner = literal.slice(1, -1);
  if (!inner.includes("\\")) return inner;
  return inner.replace(/\\(?:u\{([\da-fA-F]{1,6})\}|u([\da-fA-F]{4})|x([\da-fA-F]{2})|([^]))/g, (_, a, b, c, plain) => {
    const code = a ?? b ?? c;
    if (code === undefined) return ESCAPES[plain as string] ?? (plain as string);
    const point = parseInt(code as string, 16);
    return point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point);
  });
}
