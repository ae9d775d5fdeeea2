/**
 * The terminal: lines that stay, and below them some that show where things stand. In place where that is possible,
 * else now and then a line.
 *
 * @module
 */
import process from "node:process";

const { stdout, env } = process;
const inPlace = stdout.isTTY === true && env.TERM !== "dumb";
const coloured = inPlace && env.NO_COLOR === undefined;

/** Characters in a line. */
export const WIDTH: number = Math.max(60, Math.min(stdout.columns ?? 100, 120));

/** How often the state is shown, ms. */
const EVERY = inPlace ? 60 : 1000;

let shown: string[] = [];
let last = 0;

/** Prints a line that stays. */
export function say(line = ""): void {
  clear();
  stdout.write(`${line}\n`);
}

/** Shows where things stand, if it has not been shown just now. */
export function show(standings: () => { lines: string[]; line: string }): void {
  const now = performance.now();
  if (now - last < EVERY) return;
  last = now;
  const { lines, line } = standings();
  if (inPlace) {
    clear();
    shown = lines.map((text) => `  ${text.length > WIDTH - 2 ? `${text.slice(0, WIDTH - 3)}…` : text}`);
    stdout.write(shown.map((text) => `${dim(text)}\n`).join(""));
  } else {
    stdout.write(`${line}\n`);
  }
}

/** Takes away what {@linkcode show} showed. */
export function clear(): void {
  if (shown.length > 0) stdout.write(`\x1b[${shown.length}A\x1b[J`);
  shown = [];
}

export const bold = (text: string): string => paint("1", text);
export const dim = (text: string): string => paint("2", text);
export const red = (text: string): string => paint("31", text);
export const green = (text: string): string => paint("32", text);
export const yellow = (text: string): string => paint("33", text);

function paint(code: string, text: string): string {
  return coloured ? `\x1b[${code}m${text}\x1b[0m` : text;
}
