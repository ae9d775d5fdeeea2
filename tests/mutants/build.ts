/**
 * The simulator as one file, with other texts for some of its sources.
 *
 * @module
 */
import { build } from "esbuild";
import { relative, sep } from "node:path";

/** What one source says instead. */
export interface Changed {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
}

/** Bundles `scripts/sim.ts` into `outfile`; nothing changed: as it is. Rejects when that is no program. */
export async function buildSimulator(outfile: string, changed: readonly Changed[]): Promise<void> {
  await build({
    entryPoints: ["scripts/sim.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    conditions: ["tenure-source"],
    packages: "external",
    logLevel: "silent",
    plugins: [{
      name: "changed",
      setup(of) {
        of.onLoad({ filter: /\.ts$/ }, ({ path }) => {
          const file = relative(".", path).split(sep).join("/");
          const text = changed.find((each) => each.file === file)?.text;
          return text === undefined ? undefined : { contents: text, loader: "ts" };
        });
      },
    }],
  });
}
