/**
 * Bytes rot. Runs where the test itself runs on Node or Deno (`node:sqlite`), whatever the process under test runs on.
 *
 * @module
 */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { DatabaseSync } from "node:sqlite";
import type { Job } from "../client.ts";
import type { Subject } from "../subject.ts";
import type { World } from "../world.ts";
import type { Mode } from "./mode.ts";

/** How long instances run before one is damaged, ms. */
const WHILE = { least: 700, most: 1_500 };
/** Two lines are not alike for so many characters: the first of a journal has its seed by then. */
const ALIKE = 250;
/** What is said of a damaged instance is said by then, ms. */
const PROMPT = 5_000;

/** Bytes that rot. */
export const corrupt: Mode = {
  name: "corrupt",
  about: "one byte of one instance's journal is flipped in the file: that instance is parked or refused with a clear error and the others " +
    "go on unharmed; at the end a damaged header and a damaged schema, which are refused at open",
  needs: [],
  times: 4,
  async run(world, { times, progress }) {
    let subject = await world.serve();
    let n = 0;
    const clients = world.clients(() => n < times);
    while (n < times) {
      await world.bounded(subject.busy.opened);
      await pause(world.between(WHILE.least, WHILE.most));
      await subject.kill();
      const job = await damageOne(world, n);
      subject = await world.serve();
      if (job !== undefined) await saysSo(world, subject, job);
      progress(++n);
    }
    await world.bounded(clients);
    await subject.kill();
    await refusedAtOpen(world, "a damaged header", (bytes) => bytes.fill(0x5a, 0, 16));
    // The tables are described on the first page, behind the header of 100 bytes.
    await refusedAtOpen(world, "a damaged schema", (bytes) => bytes.fill(0xff, 100, 112));
    await world.serve();
    return { clients };
  },
  lacks({ created }, { times }) {
    const lacks: string[] = [];
    if (created < times) lacks.push(`only ${created} instances were made`);
    return lacks;
  },
};

/** A line of a journal. */
interface Row {
  readonly tenant: string;
  readonly id: string;
  readonly n: number;
  readonly text: string;
}

/** Flips one byte of a line of an instance that runs; answers whose. Nobody has the file open. */
async function damageOne(world: World, round: number): Promise<Job | undefined> {
  const rows = await rowsOf(world);
  // The first line of a journal, its last, in turn; never the same instance twice.
  const open = rows.filter(({ tenant, id }) => !world.damaged.has(`${tenant}/${id}`));
  const row = round % 2 === 0 ? open[0] : open.at(-1);
  const job = world.jobs.find(({ who }) => who === `${row?.tenant}/${row?.id}`);
  if (row === undefined || job === undefined) return void world.violation("there was no instance to damage");
  const bytes = new Uint8Array(readFileSync(world.database));
  const text = new TextEncoder().encode(row.text.slice(0, ALIKE));
  // In what the line says of itself: a value is the tenant's, and nobody but the tenant knows what it should be.
  const offset = world.between(0, 2), bit = 1 << world.between(0, 7);
  for (let at = find(bytes, text, 0); at >= 0; at = find(bytes, text, at + 1)) {
    const flip = (): void => void (bytes[at + offset] = (bytes[at + offset] as number) ^ bit);
    flip();
    writeFileSync(world.database, bytes);
    // Else it was a copy that SQLite left behind when it moved the line.
    if ((await rowsOf(world)).find(({ n }) => n === row.n)?.text !== row.text) {
      world.damage(job, `byte ${at + offset} of the file, bit ${bit}, in "${row.text.slice(0, 40)}"`);
      return job;
    }
    flip();
  }
  return void world.violation(`the journal of ${job.who} is not in the file`);
}

async function rowsOf(world: World): Promise<Row[]> {
  const database = await settled(world);
  const rows = database.prepare(
    "SELECT i.tenant, i.id, j.n, j.text FROM tenure_inst i JOIN tenure_journal j USING (iid) WHERE i.ended IS NULL ORDER BY j.n",
  ).all() as unknown as Row[];
  database.close();
  return rows;
}

/** The database with its log emptied into it. */
async function settled(world: World): Promise<DatabaseSync> {
  // Not on every runtime: and only this mode needs it.
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(world.database);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return database;
}

/** Where a part begins, at `from` or after it; -1 when nowhere. */
function find(bytes: Uint8Array, part: Uint8Array, from: number): number {
  const first = part[0] as number;
  outer: for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    for (let i = 1; i < part.length; i++) if (bytes[at + i] !== part[i]) continue outer;
    return at;
  }
  return -1;
}

/** Whoever asks for the instance learns that it is damaged. */
async function saysSo(world: World, subject: Subject, { tenant, id, who }: Job): Promise<void> {
  const until = performance.now() + PROMPT;
  let last = "nothing";
  while (performance.now() < until) {
    const reply = await world.bounded(world.askOf(subject, { op: "read", tenant, id }));
    last = JSON.stringify(reply);
    if (reply?.ok === false && reply.code === "corrupt") return world.note(`${who}: ${reply.message}`);
    if (reply?.ok && reply.shown?.status === "paused" && reply.shown.error !== null) return world.note(`${who}: ${reply.shown.error}`);
    await pause(50);
  }
  world.violation(`${who} is damaged, and nobody says so: ${last}`);
}

/** A file that SQLite itself calls malformed is an error at open, and left as it is. */
async function refusedAtOpen(world: World, what: string, damage: (bytes: Uint8Array) => void): Promise<void> {
  (await settled(world)).close();
  const kept = `${world.database}.kept`;
  copyFileSync(world.database, kept);
  const bytes = new Uint8Array(readFileSync(world.database));
  damage(bytes);
  writeFileSync(world.database, bytes);
  const subject = world.spawn();
  const opening = await world.bounded(subject.opening);
  const said = JSON.stringify(opening);
  if (opening?.ok !== false || opening.code !== "storage_unavailable") world.violation(`a start on ${what} ended with ${said}`);
  else world.note(`${what}: ${opening.message}`);
  if (opening?.ok === true) await subject.kill();
  else await subject.ends();
  for (const suffix of ["-wal", "-shm"]) rmSync(world.database + suffix, { force: true });
  copyFileSync(kept, world.database);
  rmSync(kept);
}
