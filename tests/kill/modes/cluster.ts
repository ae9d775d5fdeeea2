/**
 * Three processes share a Postgres. Every three seconds (later, where it takes more than half of that until all are at
 * work) one of them is killed, in turn, and started again, until all instances are done; who has taken over what, and when, is read from the server.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import client from "postgres";
import { startPostgres } from "../../postgres/server.ts";
import { median } from "../report.ts";
import { type Subject, within } from "../subject.ts";
import type { Verdict } from "../verdict.ts";
import type { World } from "../world.ts";
import type { Extent, Mode, Running } from "./mode.ts";

const PROCESSES = 3;
/** From one kill to the next, ms. */
const EVERY = 3_000;
/** So long one is waited for that is to be killed at work, ms. */
const PATIENCE = 20_000;
const SCHEMA = "kill";
const BURST = 96;

/** How it is done. */
interface Way {
  /** The machine of a process, by its number. */
  readonly machine: (n: number) => string;
  readonly lease: number;
  /** Half of the takeovers may not take longer, ms. */
  readonly bar: number;
}

/** On one machine, death is seen. */
export const cluster: Mode = modeOf("cluster", "on one machine", { machine: () => "one", lease: 15_000, bar: 1_000 });

/** On three, the lease has to run out. A shorter one would be lost by who has to wait for a core. */
export const machines: Mode = modeOf("machines", "that take each other to be on other machines", {
  machine: (n) => `machine ${n}`,
  lease: 15_000,
  bar: 8_500,
});

function modeOf(name: string, where: string, way: Way): Mode {
  return {
    name,
    about: `three processes on one Postgres, ${where}, one killed every 3 s in turn and started again: \`times\` instances, ` +
      "none lost, none stuck, no body again unless a kill cut it off; how long each shard was nobody's",
    needs: ["postgres"],
    times: 2_000,
    run: (world, extent) => run(world, extent, way),
    lacks: (verdict, { times }) => lacks(verdict, times),
  };
}

async function run(world: World, { times, progress }: Extent, { machine, lease, bar }: Way): Promise<Running> {
  const server = await startPostgres();
  world.atEnd(() => server.stop());
  const sql = client(server.url, { max: 2, onnotice: () => {} });
  world.atEnd(() => sql.end());
  world.server = { url: server.url, schema: SCHEMA, lease };
  world.tenants = Array.from({ length: 24 }, (_, n) => `tenant-${n}`);
  world.atOnce = BURST;
  world.unsynced();
  const start = (n: number): Subject => world.spawn({ machine: machine(n) });
  const processes = Array.from({ length: PROCESSES }, (_, n) => start(n));
  for (const each of processes) await world.bounded(each.opening);
  const began = performance.now();
  let over = false;
  const clients = world.clients(() => world.jobs.length < times).then(() => void (over = true));
  /** How long each shard of a killed process was nobody's, ms. */
  const gaps: number[] = [];
  let kills = 0;
  const patience = performance.now() + 600_000;
  for (let last = began; !over && performance.now() < patience;) {
    const victim = processes[kills % PROCESSES] as Subject;
    // on a machine that is busy with other things, all would be killed while they start, for ever: half of the time is for work
    await Promise.race([Promise.all(processes.map((each) => each.opening)).then(() => within(PATIENCE, victim.busy.opened)), clients]);
    const ready = performance.now() - last;
    await Promise.race([pause(Math.max(EVERY - ready, kills === 0 ? 0 : Math.min(ready, PATIENCE))), clients]);
    if (over) break;
    last = performance.now();
    const n = kills++ % PROCESSES;
    const had = await ownedBy(sql, victim);
    await victim.kill();
    const since = performance.now();
    processes[n] = start(n);
    gaps.push(...await taken(sql, had, { since, until: since + lease * 2 }));
    progress(kills);
  }
  const seconds = (performance.now() - began) / 1000;
  return { clients, figures: () => figures({ gaps, kills, seconds, bar }) };
}

interface Had {
  readonly shard: number;
  readonly owner: string;
}

/** What a process owns. */
async function ownedBy(sql: client.Sql, { pid }: Subject): Promise<readonly Had[]> {
  const rows = await sql.unsafe(`SELECT s.id AS shard, s.owner, m.process FROM ${SCHEMA}.shard s JOIN ${SCHEMA}.member m ON m.owner = s.owner`);
  return (rows as unknown as (Had & { process: string })[]).filter(({ process }) => process !== "" && JSON.parse(process)[1] === pid);
}

/** When each has another owner, ms after it lost the one before. */
async function taken(sql: client.Sql, had: readonly Had[], { since, until }: { readonly since: number; readonly until: number }): Promise<number[]> {
  const gaps: number[] = [];
  let left = had;
  while (left.length > 0) {
    const rows = await sql.unsafe(`SELECT id, owner FROM ${SCHEMA}.shard`) as unknown as { id: number; owner: string | null }[];
    const now = performance.now();
    const owners = new Map(rows.map(({ id, owner }) => [id, owner]));
    const still = left.filter(({ shard, owner }) => owners.get(shard) === null || owners.get(shard) === owner);
    for (let n = still.length; n < left.length; n++) gaps.push(now - since);
    left = still;
    if (now > until) return [...gaps, ...left.map(() => Infinity)];
    await pause(10);
  }
  return gaps;
}

function figures({ gaps, kills, seconds, bar }: { gaps: readonly number[]; kills: number; seconds: number; bar: number }): { said: string[]; missed: string[] } {
  const sorted = [...gaps].sort((a, b) => a - b);
  const ms = (part: number): string => `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)} ms`;
  const said = [
    `${seconds.toFixed(1)} s, a kill each ${(seconds / Math.max(1, kills)).toFixed(1)} s`,
    `${gaps.length} shards taken over: nobody's for p50 ${ms(0.5)}, p95 ${ms(0.95)}, max ${ms(1)} (bar: p50 at most ${bar} ms)`,
  ];
  const missed: string[] = [];
  if (kills < 3 || gaps.length < kills) missed.push(`takeovers: ${kills} kills, ${gaps.length} shards`);
  if (median([...gaps]) > bar) missed.push(`p50 of takeovers at most ${bar} ms`);
  return { said, missed };
}

function lacks({ created, complete, terminated, resumed }: Verdict, times: number): string[] {
  const missing: string[] = [];
  if (created < times) missing.push(`only ${created} instances of ${times}`);
  if (complete + terminated < created) missing.push(`only ${complete + terminated} of ${created} have ended`);
  if (resumed.length === 0) missing.push("no interrupted instance went on");
  return missing;
}
