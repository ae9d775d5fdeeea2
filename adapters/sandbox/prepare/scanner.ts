/**
 * The tokens of a JavaScript source, as far as finding imports needs them.
 *
 * The source is a tenant's and may be built to hurt: every character is looked at a bounded number of times, nothing
 * is kept but the token before, and no regular expression runs over more than one character.
 *
 * @module
 */

/** One token. `value` stands for whatever ends an expression: a number, a template, a regular expression. */
export interface Token {
  readonly kind: "word" | "string" | "punctuator" | "value" | "end";
  /** A word or punctuator as written, a string with its quotes. */
  readonly text: string;
  /** Offset of the first character. */
  readonly at: number;
}

/** Reads tokens one after the other. */
export interface Scanner {
  /** The next token; `end` for ever when there is none. */
  next(): Token;
}

const WORD = /[\p{ID_Continue}$_#\\\u200c\u200d]/u;
const BEFORE_EXPRESSION = new Set(
  ["return", "typeof", "instanceof", "in", "of", "new", "delete", "void", "throw", "case", "do", "else", "await", "yield"],
);

/** Starts at the beginning of a source. */
export function scanner(source: string): Scanner {
  let at = 0;
  let before: Token = { kind: "punctuator", text: ";", at: 0 };
  /** One entry an open brace: whether it is the `${` of a template. */
  const braces: boolean[] = [];
  /** A `/` before this offset is a division: a regular expression was tried on this line and had no end. */
  let divisionsUntil = 0;

  function read(): Token {
    skipSpace();
    const start = at;
    const character = source[at];
    if (character === undefined) return { kind: "end", text: "", at };
    if (character === '"' || character === "'") return skipString(character), token("string", start);
    if (character === "`") return at++, template(start);
    if (character === "}" && braces.pop() === true) return at++, template(start);
    if (character === "/" && regexpAllowed() && skipRegexp()) return token("value", start);
    if (isWord(character)) {
      while (at < source.length && isWord(source[at] as string)) at++;
      return token(isDigit(character) ? "value" : "word", start);
    }
    if (character === "{") braces.push(false);
    at++;
    return token("punctuator", start);
  }

  function token(kind: Token["kind"], start: number): Token {
    return { kind, text: kind === "value" ? "" : source.slice(start, at), at: start };
  }

  function skipSpace(): void {
    for (;;) {
      const character = source[at];
      if (character === "/" && source[at + 1] === "/") at = endOfLine(at);
      else if (character === "/" && source[at + 1] === "*") {
        const end = source.indexOf("*/", at + 2);
        at = end < 0 ? source.length : end + 2;
      } else if (character !== undefined && /\s/.test(character)) at++;
      else return;
    }
  }

  function skipString(quote: string): void {
    at++;
    while (at < source.length && source[at] !== quote && source[at] !== "\n") at += source[at] === "\\" ? 2 : 1;
    at = Math.min(at + 1, source.length);
  }

  /** From inside a template to its end, or into its next `${`. */
  function template(start: number): Token {
    while (at < source.length && source[at] !== "`") {
      if (source[at] === "$" && source[at + 1] === "{") {
        at += 2;
        braces.push(true);
        return { kind: "punctuator", text: "(", at: start };
      }
      at += source[at] === "\\" ? 2 : 1;
    }
    at++;
    return { kind: "value", text: "", at: start };
  }

  function regexpAllowed(): boolean {
    if (at < divisionsUntil || before.kind === "value" || before.kind === "string") return false;
    return before.kind === "word" ? BEFORE_EXPRESSION.has(before.text) : !/[)\]}]/.test(before.text);
  }

  function skipRegexp(): boolean {
    const end = endOfLine(at);
    let inClass = false;
    for (let i = at + 1; i < end; i++) {
      const character = source[i];
      if (character === "\\") i++;
      else if (character === "[") inClass = true;
      else if (character === "]") inClass = false;
      else if (character === "/" && !inClass) {
        at = i + 1;
        while (at < end && isWord(source[at] as string)) at++;
        return true;
      }
    }
    divisionsUntil = end;
    return false;
  }

  function endOfLine(from: number): number {
    const end = source.indexOf("\n", from);
    return end < 0 ? source.length : end;
  }

  return { next: () => before = read() };
}

function isWord(character: string): boolean {
  // Outside ASCII a surrogate half is taken for a letter: of all that may stand outside strings, only letters have one.
  return character < "\x80" ? WORD.test(character) : /[\ud800-\udfff]/.test(character) || WORD.test(character);
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}
