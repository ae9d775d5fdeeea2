/**
 * There is no space left. Needs Linux, and root to mount a tmpfs.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { latch } from "../latch.ts";
import { type Subject, within } from "../subject.ts";
import type { World } from "../world.ts";
import type { Mode } from "./mode.ts";

/** A disk that holds the database and not much more. */
const SIZE = "48m";
/** How long it stays full: less and more than callers wait, ms. */
const SHORT = 1_500;
const LONG = 7_500;
/** It goes on after so long, ms. */
const PROMPT = 4_000;

/** No space left. */
export const full: Mode = {
  name: "full",
  about: "the database on a small tmpfs that fills up: callers get errors of the platform, no instance fails, no body runs again, " +
    "and all goes on when there is space; the last time the process is killed and started again meanwhile",
  needs: ["linux", "root"],
  times: 4,
  async run(world, { times, progress }) {
    const disk = join(world.folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", disk]);
    world.atEnd(() => void execFileSync("umount", [disk]));
    world.database = join(disk, "tenure.db");
    let subject = await world.serve();
    let n = 0;
    const clients = world.clients(() => n < times);
    while (n < times) {
      await world.bounded(subject.busy.opened);
      await pause(world.between(500, 1_500));
      const free = fill(world, disk);
      await pause(n === 1 ? LONG : SHORT);
      if (n === times - 1) subject = await restart(world, subject, free);
      else free();
      await goesOn(world, subject);
      progress(++n);
    }
    return { clients };
  },
  lacks({ refused, created }) {
    const lacks: string[] = [];
    if (refused.size === 0) lacks.push("no client noticed that the disk was full");
    if (created === 0) lacks.push("no instance was made");
    return lacks;
  },
};

/** Takes all space but a little, so that it ends somewhere within a commit; answers what gives it back. */
function fill(world: World, disk: string): () => void {
  const path = join(disk, "filler");
  const file = openSync(path, "w");
  const block = new Uint8Array(65_536);
  let size = 0;
  try {
    for (;;) size += writeSync(file, block);
  } catch {
    // It is full.
  }
  closeSync(file);
  truncateSync(path, size - world.between(0, 24) * 4_096);
  world.note("the disk is full");
  return () => {
    world.note("there is space again");
    rmSync(path);
  };
}

/** A start on a full disk may be refused, as an error of the platform; with space it works. */
async function restart(world: World, subject: Subject, free: () => void): Promise<Subject> {
  await subject.kill();
  const next = world.spawn();
  const opening = await world.bounded(next.opening);
  await pause(SHORT);
  free();
  if (opening?.ok === true) return next;
  if (opening?.code !== "storage_unavailable") world.violation(`a start on a full disk ended with ${JSON.stringify(opening)}`);
  await next.ends();
  return await world.serve();
}

async function goesOn(world: World, subject: Subject): Promise<void> {
  const effect = latch();
  world.logged = (of) => of === subject && effect.open();
  if (await within(PROMPT, effect.opened.then(() => true)) !== true) {
    world.violation(`process ${subject.life} did not go on within ${PROMPT} ms after there was space again`);
  }
  world.logged = () => {};
}
