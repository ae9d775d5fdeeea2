/**
 * Three engines on one Postgres: one is killed while 300 orders are under way, and the others go on with its own.
 *
 *     npm run example:cluster
 *
 * Brings its own Postgres (from npm) and ends by itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import client from "postgres";
import { createTenure, type WorkflowInstance } from "tenure";
import { postgres } from "tenure/storage/postgres";
import { install } from "../../tests/_runner/install.ts";
import { startPostgres } from "../../tests/postgres/server.ts";
import { Order, type Receipt } from "./order.ts";
import { inWords, ownersOf } from "./owners.ts";

const ORDERS = 300;
const TENANTS = 30;
const start = performance.now();
const say = (text: string): void => console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s  ${text}`);

await install("tests/postgres");
const server = await startPostgres();
say("Postgres runs");
const sql = client(server.url, { max: 1, onnotice: () => {} });
const engines = await Promise.all([launch(), launch(), launch()]);
say(`engines ${engines.map(({ pid }) => pid).join(", ")} run`);
// this process only serves the API: it owns nothing
const api = await createTenure({ storage: postgres({ url: server.url }), engine: false });
api.register("Order", Order, { version: "1" });
const ordersOf = (n: number) => api.tenant(`tenant-${n % TENANTS}`).workflow<{ sku: number }, Receipt>("Order");

let failed = true;
try {
  for (const until = performance.now() + 10_000; new Set(await ownersOf(sql)).size < 3 && performance.now() < until;) await pause(100);
  say(`shards by process: ${inWords(await ownersOf(sql))}`);
  const orders = await Promise.all(Array.from({ length: ORDERS }, (_, sku) => ordersOf(sku).create({ id: `order-${sku}`, params: { sku } })));
  say(`${ORDERS} orders of ${TENANTS} tenants made, each by whoever owns its tenant's shard`);
  const paying = Promise.all(orders.map(pay));
  await pause(1_000);
  await kill(engines[0] as ChildProcess);
  await paying;
  const receipts = await Promise.all(orders.map((order) => order.result()));
  const moved = receipts.filter(({ by }) => new Set(by).size > 1).length;
  const right = receipts.every(({ sku }, n) => sku === n);
  say(`all ${receipts.length} orders are done${right ? "" : ", NOT as they should be"}; ${moved} were begun by one process and ended by another`);
  failed = !right;
} finally {
  await api.close();
  for (const engine of engines) engine.kill("SIGTERM");
  await Promise.all(engines.map((engine) => engine.exitCode ?? engine.signalCode ?? once(engine, "exit")));
  await sql.end();
  await server.stop();
}
say("over");
process.exit(failed ? 1 : 0);

async function launch(): Promise<ChildProcess> {
  const engine = spawn(process.execPath, [...process.execArgv, fileURLToPath(new URL("engine.ts", import.meta.url)), server.url], { stdio: ["ignore", "pipe", "inherit"] });
  await Promise.race([once(engine.stdout, "data"), once(engine, "exit").then(() => Promise.reject(new Error("Cannot start an engine")))]);
  return engine;
}

async function pay(order: WorkflowInstance<Receipt>, n: number): Promise<void> {
  await pause(n * 10);
  // the same event, however often it has to be sent
  await order.sendEvent({ type: "paid", payload: {}, id: "payment" });
}

async function kill(engine: ChildProcess): Promise<void> {
  const before = await ownersOf(sql);
  const gone = once(engine, "exit");
  engine.kill("SIGKILL");
  await gone;
  const at = performance.now();
  say(`engine ${engine.pid} is killed`);
  const left = new Set(before.flatMap((owner, shard) => owner === String(engine.pid) ? [shard] : []));
  for (const until = at + 30_000; left.size > 0 && performance.now() < until; await pause(10)) {
    for (const [shard, owner] of (await ownersOf(sql)).entries()) {
      if (owner === null || owner === before[shard] || !left.delete(shard)) continue;
      say(`shard ${shard} is taken over by ${owner}, ${Math.round(performance.now() - at)} ms after`);
    }
  }
  say(`shards by process: ${inWords(await ownersOf(sql))}`);
}
