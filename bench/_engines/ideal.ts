/**
 * The ideal loop: what a run costs when nothing but its writes is paid for. No engine, no guest, no records to decide.
 *
 * A run is `create` + n awaited steps (each the JSON text of its result) + `complete`; what is asked for while others
 * ask, too, shares a commit. Once through the Store port, and once with bare statements over the very same tables.
 *
 * @module
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Append, Head } from "../../core/ports/store.ts";
import { type Engine, type EngineOptions, inputOf, type Output, type Recorded, runOutput, stepOutput } from "./engine.ts";
import { countIn } from "./recorded.ts";

interface Batch {
  readonly heads: Head[];
  readonly appends: Append[];
}

/** Through our own Store port. */
export async function openIdealPort({ folder }: EngineOptions): Promise<Engine> {
  const { sqlite } = await import("../../adapters/storage/sqlite.ts");
  const path = join(folder, "ideal.db");
  const store = await sqlite({ path }).open();
  const lease = await store.acquire(0, "bench", 60_000);
  if (lease === null) throw new Error("Cannot acquire the new store");
  const { epoch } = lease;
  let batches = 0;
  const write = async ({ heads, appends }: Batch): Promise<void> => {
    const answer = await store.commit(`batch-${++batches}`, [{ shard: 0, epoch, drops: [], heads, appends, cells: [], acks: [] }]);
    if (answer !== "ok") throw new Error("Cannot commit: the store is somebody else's");
  };
  return loop(write, { close: () => store.close(), recorded: () => recordedIn(path) });
}

/** With bare statements: the tables are made by our adapter, the writes are not. */
export async function openIdealRaw({ folder }: EngineOptions): Promise<Engine> {
  const { sqlite } = await import("../../adapters/storage/sqlite.ts");
  const path = join(folder, "ideal.db");
  const store = await sqlite({ path }).open();
  await store.acquire(0, "bench", 60_000);
  await store.close();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000");
  const fence = database.prepare("UPDATE tenure_shard SET last_batch = ? WHERE id = 0 AND epoch = 1");
  const create = database.prepare(
    "INSERT INTO tenure_inst(iid, shard, tenant, workflow, id, status, wake, created, ended, data) VALUES(?, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const end = database.prepare("UPDATE tenure_inst SET status = ?, ended = ?, data = ?, wake = ? WHERE iid = ?");
  const append = database.prepare("INSERT INTO tenure_journal(iid, seq, count, text) VALUES(?, ?, ?, ?)");
  const appendMany = database.prepare(`INSERT INTO tenure_journal(iid, seq, count, text) VALUES${Array(50).fill("(?, ?, ?, ?)").join()}`);
  let batches = 0;

  // deno-lint-ignore require-await
  async function write({ heads, appends }: Batch): Promise<void> {
    database.exec("BEGIN IMMEDIATE");
    if (fence.run(`batch-${++batches}`).changes !== 1) throw new Error("Cannot commit: fenced");
    for (const { tenant, workflow, id, status, wake, created, ended, data } of heads) {
      if (ended === null) create.run(Number(id), tenant, workflow, id, status, wake, created, ended, data);
      else end.run(status, ended, data, wake, Number(id));
    }
    let i = 0;
    for (; i + 50 <= appends.length; i += 50) {
      appendMany.run(...appends.slice(i, i + 50).flatMap(({ key, seq, count, text }) => [Number(key.id), seq, count, text]));
    }
    for (const { key, seq, count, text } of appends.slice(i)) append.run(Number(key.id), seq, count, text);
    database.exec("COMMIT");
  }

  // deno-lint-ignore require-await
  return loop(write, { close: async () => database.close(), recorded: () => recordedIn(path) });
}

function recordedIn(path: string): Recorded {
  return countIn(path, {
    runs: "SELECT count(*) AS n FROM tenure_inst WHERE status = 'complete'",
    steps: "SELECT count(*) AS n FROM tenure_journal",
  });
}

function loop(write: (batch: Batch) => Promise<void>, end: Pick<Engine, "close" | "recorded">): Engine {
  let batch: Batch = { heads: [], appends: [] };
  let waiters: (() => void)[] = [];
  let flushing = false;
  let runs = 0;

  async function flush(): Promise<void> {
    while (waiters.length > 0) {
      const taken = batch, told = waiters;
      batch = { heads: [], appends: [] };
      waiters = [];
      await write(taken);
      for (const waiter of told) waiter();
      await new Promise(setImmediate);
    }
    flushing = false;
  }

  function commit(): Promise<void> {
    if (!flushing) {
      flushing = true;
      setImmediate(flush);
    }
    return new Promise((resolve) => void waiters.push(resolve));
  }

  return {
    async run(steps) {
      const number = ++runs;
      const key = { tenant: `tenant-${number % 1000}`, workflow: "Bench", id: String(number) };
      const created = Date.now();
      batch.heads.push({ ...key, status: "running", wake: 0, created, ended: null, data: JSON.stringify(inputOf(steps)) });
      await commit();
      let last: Output | undefined;
      let sum = 0;
      for (let i = 0; i < steps; i++) {
        last = stepOutput(i);
        sum += last.items[2] as number;
        batch.appends.push({ key, seq: i, count: 1, text: `{"name":"step-${i}","value":${JSON.stringify(last)}}` });
        await commit();
      }
      const output = runOutput(last as Output, steps, sum);
      batch.heads.push({ ...key, status: "complete", wake: null, created, ended: Date.now(), data: JSON.stringify(output) });
      await commit();
      return output;
    },
    ...end,
  };
}
