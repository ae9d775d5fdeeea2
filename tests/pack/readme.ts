/** The example that the README opens with, and what it says that the example prints. */
export interface ReadmeExample {
  /** The program. */
  source: string;
  /** The lines that it must print, in this order; others may come between. */
  prints: string[];
}

/**
 * Finds the fenced `ts` block whose first line is `// example.ts`. What it prints is told by the ```` ```text ```` block
 * that follows it before the next heading, or by comments in it: `console.log(x); // → 7`.
 */
export function readExample(markdown: string): ReadmeExample {
  const block = /^```ts\r?\n(\/\/ example\.ts\b[^]*?)^```\s*$/m.exec(markdown);
  if (!block) throw new Error("Cannot find the README's example: no ```ts block starts with the line `// example.ts`");
  const source = block[1]!;
  const after = markdown.slice(block.index + block[0].length).split(/^#/m)[0]!;
  const text = /^```(?:text|console)\r?\n([^]*?)^```\s*$/m.exec(after)?.[1];
  const prints = text === undefined
    ? [...source.matchAll(/\/\/ (?:→|=>) (.+)$/gm)].map((match) => match[1]!.trim())
    : text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (prints.length === 0) throw new Error("Cannot check the README's example: it does not say what it prints");
  return { source, prints };
}

/** The first promised line that is not among the lines printed, in order; a `…` stands for anything. */
export function missingLine(output: string, prints: string[]): string | undefined {
  const lines = output.split("\n").map((line) => line.trim());
  let at = 0;
  for (const promised of prints) {
    const found = lines.findIndex((line, index) => index >= at && matches(line, promised));
    if (found === -1) return promised;
    at = found + 1;
  }
  return undefined;
}

function matches(line: string, promised: string): boolean {
  const pattern = promised.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`).test(line);
}
