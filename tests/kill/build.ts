/**
 * Bundles the process under test, so that a restart costs little more than the bare runtime, as it would for anybody
 * who deploys built code.
 *
 *     build.ts <folder>
 *
 * A program of its own, run on Node: the bundler does not run everywhere.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { runtimes } from "../_runner/runtimes.ts";

const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Builds into a folder, from whatever runtime; answers the program to start. */
export async function buildChild(folder: string): Promise<string> {
  const node = runtimes.find(({ id }) => id === "node24");
  if (node === undefined) throw new TypeError("Cannot build the process under test: there is no Node 24");
  const { bin, args } = node.run(fileURLToPath(import.meta.url));
  await promisify(execFile)(bin, [...args, folder]);
  return join(folder, "child.mjs");
}

async function build(folder: string): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["tests/kill/child.ts"],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    // What the library loads when it is needed is loaded when it is needed here too.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    conditions: ["tenure-source"],
    external: ["bun:*"],
    logLevel: "warning",
  });
  const wasm = createRequire(join(ROOT, "package.json")).resolve("@jitl/quickjs-wasmfile-release-sync/wasm");
  await copyFile(wasm, join(folder, "quickjs.wasm"));
  await copyFile(join(ROOT, "tests/kill/tenant/index.ts"), join(folder, "tenant.ts"));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await build(process.argv[2] as string);
}
