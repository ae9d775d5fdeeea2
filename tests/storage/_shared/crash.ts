/** Kills processes that write to a store, and looks at what is left: acknowledged ⊆ recovered ⊆ sent. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import type { StorageAdapter } from "../../../core/ports/store.ts";
import { createRandom } from "../../../testing/store_cases/random.ts";
import { OWNER } from "./committer.ts";

/** How this runtime runs a script, with the flags that it was started with where they matter. */
function command(script: URL, args: readonly string[]): string[] {
  const path = fileURLToPath(script);
  if ("Deno" in globalThis) return ["run", "-A", "--no-check", "--unstable-kv", path, ...args];
  if ("Bun" in globalThis) return [path, ...args];
  return ["--conditions=tenure-source", "--disable-warning=ExperimentalWarning", path, ...args];
}

/**
 * Lets a script (which calls `commitOn` with its last two arguments) live `lives` times and kills it in the middle of
 * each; after each death opens the store and compares.
 */
export async function crash(script: URL, args: readonly string[], storage: StorageAdapter, lives: number): Promise<void> {
  const random = createRandom(lives * 31 + args.join("").length);
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  for (let life = 0; life < lives; life++) {
    const dies = 2 + random.int(60);
    await new Promise<void>((done, fail) => {
      const child = spawn(process.execPath, command(script, [...args, `life-${life}`, "1000000"]), { stdio: ["ignore", "pipe", "pipe"] });
      let rest = "", complaint = "", seen = 0, killed = false;
      child.stderr.setEncoding("utf8").on("data", (text: string) => complaint += text);
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const [what, name = ""] = line.split(" ");
          (what === "sent" ? sent : acknowledged).add(name);
          if (what === "sent" && ++seen >= dies && !killed) killed = child.kill("SIGKILL");
        }
      });
      child.on("close", () => killed ? done() : fail(new Error(`It ended by itself: ${complaint}`)));
    });
    await compare(storage, sent, acknowledged, `life ${life}`);
  }
}

async function compare(storage: StorageAdapter, sent: ReadonlySet<string>, acknowledged: ReadonlySet<string>, when: string): Promise<void> {
  const store = await storage.open();
  const halves = new Map<string, number>();
  for (const { key } of await store.cells(0, { prefix: "", limit: 1_000_000 })) {
    const [name = ""] = key.split("/");
    halves.set(name, (halves.get(name) ?? 0) + 1);
  }
  const recovered = [...halves.keys()];
  assertEquals(recovered.filter((name) => halves.get(name) !== 2), [], `${when}: half a batch`);
  assertEquals([...acknowledged].filter((name) => !halves.has(name)), [], `${when}: acknowledged and lost`);
  assertEquals(recovered.filter((name) => !sent.has(name)), [], `${when}: never sent`);
  // At most the one that was under way is there without having been acknowledged, and the store knows that it is the last.
  const lease = await store.acquire(0, OWNER, 600_000);
  if (lease !== null) assertEquals(halves.has(lease.lastBatch) || lease.lastBatch === "", true, `${when}: the last batch`);
  await store.close();
}

/** Whether the calls of a process can be counted here: Linux, with strace. */
export function canCount(): boolean {
  return process.platform === "linux" && spawnSync("strace", ["-V"]).status === 0;
}

/** How often a script that makes `times` commits has the system sync a file, by strace. */
export function countSyncs(script: URL, args: readonly string[], times: number): number {
  const folder = mkdtempSync(join(tmpdir(), "tenure-strace-"));
  const log = join(folder, "calls");
  try {
    const traced = ["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-e", "signal=none", "-o", log];
    const run = spawnSync("strace", [...traced, process.execPath, ...command(script, [...args, "synced", `${times}`])], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`It ended with ${run.status}: ${run.stderr}`);
    // One that other threads interrupt takes two lines.
    return readFileSync(log, "utf8").split("\n").filter((line) => /\bf(data)?sync\(/.test(line) && !line.includes("resumed")).length;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
