/**
 * The two engines, each a process that is reached by HTTP and can be killed.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { STEPS, WORKFLOWS } from "./config.ts";

/** An engine. */
export interface Engine {
  readonly name: string;
  /** Where its dispatcher answers. */
  url(): string;
  /** Starts it on the data that it has. */
  start(): Promise<void>;
  /** Ends it without a warning. */
  kill(): Promise<void>;
}

const folder = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Ours: SQLite in a folder, guests in QuickJS. */
export function ours(data: string): Engine {
  let child: ChildProcess, url = "";
  return {
    name: "Tenure",
    url: () => url,
    async start() {
      const register = pathToFileURL(join(root, "adapters/cloudflare/register.ts")).href;
      const args = ["--disable-warning=ExperimentalWarning", "--conditions=tenure-source", "--import", register, join(folder, "host.ts"), join(data, "tenure.db")];
      child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      process.once("exit", () => child.kill("SIGKILL"));
      const [port] = await Promise.race([
        once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line") as Promise<[string]>,
        once(child, "exit").then(() => Promise.reject(new Error("Our engine did not start"))),
      ]);
      url = `http://127.0.0.1:${port}`;
    },
    async kill() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** What of miniflare is used. */
interface Miniflare {
  readonly ready: Promise<URL>;
  dispose(): Promise<void>;
}

/** Cloudflare's: workerd, with its files in a folder. */
export async function theirs(data: string): Promise<Engine> {
  const package_ = join(folder, "node_modules/miniflare");
  const { version, main } = JSON.parse(readFileSync(join(package_, "package.json"), "utf8")) as { version: string; main: string };
  const library = await import(pathToFileURL(join(package_, main)).href) as {
    Miniflare: new (options: unknown) => Miniflare;
    convertV4MiniflareOptions(options: unknown): unknown;
  };
  // the published bridge stands in the bundle: workerd knows no packages
  const { outputFiles } = await build({ entryPoints: [join(folder, "dispatcher.js")], bundle: true, write: false, format: "esm", target: "es2024", external: ["cloudflare:*"], absWorkingDir: root });
  const contents = outputFiles[0]?.text;
  let engine: Miniflare, url = "";
  return {
    name: `Cloudflare's miniflare ${version}`,
    url: () => url,
    async start() {
      engine = new library.Miniflare(library.convertV4MiniflareOptions({
        resourcePersistencePath: data,
        telemetry: { enabled: false },
        // what bodies throw on purpose is printed, too
        handleStructuredLogs() {},
        workers: [{
          name: "dispatcher",
          modules: [{ type: "ESModule", path: "index.js", contents }],
          compatibilityDate: "2026-11-01",
          compatibilityFlags: ["workflows_preserve_non_retryable_error_message"],
          workflows: Object.fromEntries(WORKFLOWS.map(({ binding, name, class_name }) => [binding, { name, className: class_name, stepLimit: STEPS }])),
          workerLoaders: { LOADER: {} },
        }],
      }));
      url = (await engine.ready).href.replace(/\/$/, "");
    },
    kill: () => engine.dispose(),
  };
}
