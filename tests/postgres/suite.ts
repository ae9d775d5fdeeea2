/** What `postgres()` has to keep, against the real server that `npm run test:storage` starts. */
import { spawn } from "node:child_process";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertLess, assertRejects } from "@std/assert";
import client from "postgres";
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { postgres } from "../../adapters/storage/postgres.ts";
import { createTenure } from "../../mod.ts";
import { storeCases } from "../../testing/store_cases.ts";
import { GONE, KEPT, live, traces } from "../_deletion.ts";
import { figuresOf, tell } from "../storage/_shared/figures.ts";
import { Approval } from "./approval.ts";

const url = process.env.TENURE_POSTGRES_URL ?? "";
if (url === "") throw new Error("Cannot test postgres(): TENURE_POSTGRES_URL names no server");
const admin = client(url, { max: 2, onnotice: () => {} });
after(() => admin.end());
let made = 0;

/** A schema of its own for each case: a process each would take longer than the case. */
function fresh(): { schema: string; drop(): Promise<void> } {
  const schema = `case_${process.pid}_${made++}`;
  return { schema, drop: async () => void await admin.unsafe(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`) };
}

const cases = storeCases(async ({ shards }) => {
  const { schema, drop } = fresh();
  // One pool for all connections of a case: each store of it stands for a process all the same.
  const sql = client(url, { max: 4, onnotice: () => {} });
  return {
    adapter: postgres({ sql, schema, shards }),
    async cleanup() {
      await sql.end();
      await drop();
    },
    takeover: async () => void await admin.unsafe(`UPDATE "${schema}".shard SET expires = 'epoch'`),
  };
});
for (const { name, run } of cases) test(`postgres() ${name}`, run);

test("postgres() goes over to a second process when the first is killed", async () => {
  const { schema, drop } = fresh();
  const script = fileURLToPath(new URL("./owner.ts", import.meta.url));
  const run = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  const owner = spawn(process.execPath, [...run, script, url, schema], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((done, fail) => {
    owner.stdout.once("data", done);
    owner.once("exit", fail);
  });
  const tenure = await createTenure({ storage: postgres({ url, schema }) });
  try {
    tenure.register("Approval", Approval, { version: "1" });
    const approvals = tenure.tenant("acme").workflow<string, { asked: string; pids: number[] }>("Approval");
    const approval = await approvals.create({ id: "a", params: "go" });
    while ((await approval.status()).status !== "waiting") await new Promise((done) => setImmediate(done));
    const gone = new Promise((done) => owner.once("exit", done));
    owner.kill("SIGKILL");
    await gone;
    // Nobody owns the shard: it waits in the inbox until the lease has run out on the server's clock.
    await approval.sendEvent({ type: "answer" });
    assertEquals(await approval.result(), { asked: "may I go?", pids: [owner.pid, process.pid] });
    const { entries } = await approval.history();
    assertEquals(entries.filter(({ name, attempt }) => name === "first" && attempt !== undefined && attempt > 1).length, 0);
  } finally {
    owner.kill("SIGKILL");
    await tenure.close({ timeout: 0 });
    await drop();
  }
});

test("postgres() serves the API from a process that owns nothing, and wakes the other one", async () => {
  const { schema, drop } = fresh();
  const owner = await createTenure({ storage: postgres({ url, schema, shards: 4 }) });
  const api = await createTenure({ storage: postgres({ url, schema }), engine: false });
  try {
    for (const tenure of [owner, api]) tenure.register("Approval", Approval, { version: "1" });
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) =>
      api.tenant(`tenant-${i}`).workflow<string, { asked: string }>("Approval").create({ id: "a", params: `${i}` })
    ));
    await Promise.all(all.map((one) => one.sendEvent({ type: "answer" })));
    assertEquals(await Promise.all(all.map(async (one) => (await one.result()).asked)), all.map((_, i) => `may I ${i}?`));
  } finally {
    await api.close({ timeout: 0 });
    await owner.close();
    await drop();
  }
});

test("postgres() has nothing left of a tenant that was deleted", async () => {
  const { schema, drop } = fresh();
  const tenure = await createTenure({ storage: postgres({ url, schema, shards: 2 }), sandbox: quickjs() });
  const api = await createTenure({ storage: postgres({ url, schema }), engine: false });
  async function all(): Promise<string[]> {
    const tables = await admin.unsafe("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1", [schema]) as unknown as { name: string }[];
    const texts: string[] = [];
    for (const { name } of tables) {
      const row = name === "blob" ? "tenant || hash || encode(bytes, 'escape')" : "t::text";
      for (const { text } of await admin.unsafe(`SELECT ${row} AS text FROM "${schema}"."${name}" t`) as unknown as { text: string }[]) texts.push(text);
    }
    return texts;
  }
  try {
    await live(tenure, GONE);
    await live(tenure, KEPT);
    assertEquals(traces(await all(), GONE).length > 0, true);
    // from a process that owns nothing
    await api.tenant(GONE).delete();
    assertEquals(traces(await all(), GONE), []);
    assertEquals(traces(await all(), KEPT).length > 0, true);
  } finally {
    await api.close({ timeout: 0 });
    await tenure.close({ timeout: 0 });
    await drop();
  }
});

test("postgres() shares its shards out, and shows what another engine owned when that dies", async () => {
  const { schema, drop } = fresh();
  const script = fileURLToPath(new URL("./owner.ts", import.meta.url));
  const run = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  const owner = spawn(process.execPath, [...run, script, url, schema], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((done) => owner.stdout.once("data", done));
  const tenure = await createTenure({ storage: postgres({ url, schema }) });
  const look = async (): Promise<number[]> => {
    const rows = await admin.unsafe(`SELECT count(*) AS n FROM "${schema}".shard WHERE owner IS NOT NULL AND expires > clock_timestamp() GROUP BY owner`) as unknown as { n: string }[];
    return rows.map(({ n }) => Number(n)).sort();
  };
  const when = async (shares: readonly number[]): Promise<void> => {
    while (JSON.stringify(await look()) !== JSON.stringify(shares)) await new Promise((done) => setTimeout(done, 20));
  };
  try {
    await when([8, 8]);
    const gone = new Promise((done) => owner.once("exit", done));
    owner.kill("SIGKILL");
    await gone;
    const begin = performance.now();
    await when([16]);
    // where the death of a process can be seen its lease need not run out
    if (process.platform === "linux") assertLess(performance.now() - begin, 5_000);
  } finally {
    owner.kill("SIGKILL");
    await tenure.close({ timeout: 0 });
    await drop();
  }
});

test("postgres() hears of posts and commits of other connections", async () => {
  const { schema, drop } = fresh();
  const [one, two] = [await postgres({ url, schema, shards: 2 }).open(), await postgres({ url, schema }).open()];
  try {
    const heard: string[] = [];
    let more = (): void => {};
    const on = (shard: number) => ({
      posted: () => (heard.push(`posted ${shard}`), more()),
      committed: () => (heard.push(`committed ${shard}`), more()),
    });
    for (const shard of [0, 1]) two.listen?.(shard, on(shard));
    const lease = await one.acquire(1, "me", 60_000);
    const empty = { shard: 1, epoch: lease?.epoch ?? 0, drops: [], heads: [], appends: [], cells: [], acks: [] };
    // A hint may be lost while the subscription is made; what is asked for here is that they come at all.
    for (let n = 0; !["posted 0", "committed 1"].every((wanted) => heard.includes(wanted)); n++) {
      const next = new Promise<void>((done) => (more = done, setTimeout(done, 200)));
      await one.post(0, { key: `k${n}`, body: "" });
      assertEquals(await one.commit(`b${n}`, [empty]), "ok");
      await next;
    }
    assertEquals(heard.filter((hint) => hint === "posted 1" || hint === "committed 0"), []);
  } finally {
    await one.close();
    await two.close();
    await drop();
  }
});

test("postgres() does not bring an acknowledged message back that is posted while it is acknowledged", async () => {
  const { schema, drop } = fresh();
  const [owner, caller] = [await postgres({ url, schema, shards: 1 }).open(), await postgres({ url, schema }).open()];
  try {
    const epoch = (await owner.acquire(0, "me", 60_000))?.epoch ?? 0;
    for (let n = 0; n < 60; n++) {
      const key = `k${n}`;
      if (n % 2 === 0) await caller.post(0, { key, body: "once" });
      const acks = [{ key, outcome: "done", at: 1 }];
      const again = Array.from({ length: 3 }, () => caller.post(0, { key, body: "again" }));
      await owner.commit(`b${n}`, [{ shard: 0, epoch, drops: [], heads: [], appends: [], cells: [], acks }]);
      await Promise.all(again);
      assertEquals([await caller.outcome(0, key), await owner.inbox(0, 9)], ["done", []]);
    }
  } finally {
    await owner.close();
    await caller.close();
    await drop();
  }
});

test("postgres() is made once by many who come at one time, and keeps its number of shards", async () => {
  const { schema, drop } = fresh();
  try {
    const stores = await Promise.all(Array.from({ length: 8 }, () => postgres({ url, schema, shards: 3 }).open()));
    assertEquals(stores.map(({ shards, caps }) => [shards, caps.durability, caps.fencesPerCommit]), stores.map(() => [3, "fsync", 3]));
    for (const store of stores) await store.close();
    await assertRejects(() => postgres({ url, schema, shards: 2 }).open(), Error, "with 2 shards: it has 3");
    await admin.unsafe(`UPDATE "${schema}".meta SET value = 99 WHERE key = 'format'`);
    const newer = await assertRejects(() => postgres({ url, schema }).open(), Error);
    assertEquals((newer as Error & { code?: string }).code, "storage_newer");
  } finally {
    await drop();
  }
});

test("postgres() makes commits", async () => {
  const { schema, drop } = fresh();
  tell(await figuresOf("`postgres({ url })`", postgres({ url, schema, shards: 1 })));
  await drop();
});

test("postgres() says in words what is wrong, without what it knows", async () => {
  const wrong = url.replace(/:tenure@/, ":secret@");
  const refused = await assertRejects(() => postgres({ url: wrong }).open(), Error);
  assertEquals(refused.message, 'Cannot open "postgres": it does not accept the user or the password');
  const { schema, drop } = fresh();
  const store = await postgres({ url, schema, shards: 1 }).open();
  await drop();
  const gone = await assertRejects(() => store.find({ tenant: "acme", limit: 1 }), Error);
  assertEquals(gone.message, 'Cannot read "postgres": the server answered with the code 42P01');
  await store.close();
});
