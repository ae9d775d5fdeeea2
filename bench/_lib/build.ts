/**
 * Makes JavaScript of the sources as the published package has it: one file each, ES2022.
 *
 * @module
 */
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { DATA } from "./media.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the library and what the benchmark needs of itself; answers the folder. */
export async function buildPublished(): Promise<string> {
  const folder = join(DATA, "built");
  rmSync(folder, { recursive: true, force: true });
  const sources = ["mod.ts", "core/**/*.ts", "adapters/**/*.ts", "bench/_engines/*.ts", "bench/_tasks/start.ts"];
  await build({
    absWorkingDir: ROOT,
    entryPoints: sources.flatMap((pattern) => globSync(pattern, { cwd: ROOT })),
    outdir: folder,
    outbase: ROOT,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    bundle: true,
    logLevel: "error",
    external: ["node:*"],
    plugins: [{
      name: "one-file-each",
      setup(builder) {
        builder.onResolve({ filter: /./ }, ({ kind, path }) => {
          if (kind === "entry-point") return undefined;
          return { path: path.startsWith(".") ? path.replace(/\.ts$/, ".js") : path, external: true };
        });
      },
    }],
  });
  return folder;
}
