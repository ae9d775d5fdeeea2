/**
 * The simulator as one file, with a mutant in it.
 *
 * @module
 */
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { relative, sep } from "node:path";
import type { Mutant } from "./planted.ts";

/** Applies a mutant to the text of its file. Throws when what it changes is not there once. */
export function mutate({ name, file, change }: Mutant, text: string): string {
  for (const [from, to] of change) {
    if (text.split(from).length !== 2) throw new Error(`Cannot plant "${name}" in ${file}: its text stands there ${text.split(from).length - 1} times`);
    text = text.replace(from, () => to);
  }
  return text;
}

/** Bundles `scripts/sim.ts` into `outfile`; `mutant` undefined: as it is. */
export async function buildSimulator(outfile: string, mutant: Mutant | undefined): Promise<void> {
  await build({
    entryPoints: ["scripts/sim.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    conditions: ["tenure-source"],
    packages: "external",
    logLevel: "error",
    plugins: [{
      name: "mutant",
      setup(of) {
        of.onLoad({ filter: /\.ts$/ }, ({ path }) => {
          if (relative(".", path).split(sep).join("/") !== mutant?.file) return undefined;
          return { contents: mutate(mutant, readFileSync(path, "utf8")), loader: "ts" };
        });
      },
    }],
  });
}
