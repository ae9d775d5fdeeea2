/**
 * An engine in a process of its own, from the side of whoever asks.
 *
 * @module
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { EngineName } from "../_engines/all.ts";
import type { Busy, BusyOptions } from "../_tasks/busy.ts";
import type { Lone } from "../_tasks/lone.ts";
import type { Answer, Question } from "../_tasks/serve.ts";
import { inFolder, type Medium } from "./media.ts";

/** What it can be asked. */
export interface Served {
  /** Keeps it busy for a while. */
  busy(options: BusyOptions): Promise<Busy>;
  /** One lone run and one commit. */
  lone(flip: boolean): Promise<Lone>;
}

const ENTRY = fileURLToPath(new URL("../_tasks/serve.ts", import.meta.url));
const TIMEOUT = 120_000;

/** Calls `use` with engines that all live, each over a new store on `medium`, and ends them afterwards. */
export async function withEngines<T>(
  names: readonly EngineName[],
  { medium, use }: { readonly medium: Medium; readonly use: (engines: ReadonlyMap<EngineName, Served>) => Promise<T> },
): Promise<T> {
  const engines = new Map<EngineName, Served>();
  async function next(i: number): Promise<T> {
    const name = names[i];
    if (name === undefined) return await use(engines);
    return await inFolder(medium, async (folder) => {
      const { served, close, kill } = serve(name, folder);
      try {
        engines.set(name, served);
        const result = await next(i + 1);
        await close();
        return result;
      } finally {
        kill();
      }
    });
  }
  return await next(0);
}

function serve(name: EngineName, folder: string): { served: Served; close(): Promise<void>; kill(): void } {
  const child = fork(ENTRY, [name, folder], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let errors = "";
  child.stderr?.on("data", (chunk) => errors += chunk);

  function ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        done();
        reject(new Error(`Cannot measure ${name}: ${why}\n${errors}`));
      };
      const timer = setTimeout(() => fail(`no answer within ${TIMEOUT / 1000} s`), TIMEOUT);
      const answered = (answer: unknown): void => {
        done();
        resolve(answer as Answer);
      };
      const ended = (code: number | null): void => fail(`its process ended with ${code}`);
      function done(): void {
        clearTimeout(timer);
        child.off("message", answered);
        child.off("close", ended);
      }
      child.once("message", answered);
      child.once("close", ended);
      child.send(question);
    });
  }

  return {
    served: {
      busy: async (options) => (await ask({ verb: "busy", options }) as { busy: Busy }).busy,
      lone: async (flip) => (await ask({ verb: "lone", flip }) as { lone: Lone }).lone,
    },
    async close() {
      await ask({ verb: "close" });
    },
    kill() {
      if (child.exitCode === null) child.kill("SIGKILL");
    },
  };
}
