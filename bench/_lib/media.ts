/**
 * Where stores are put: on a real disk, and on tmpfs, where an fsync costs nothing and only the CPU is left.
 *
 * What is called a disk is measured before it is believed: in a container, a sandbox or a virtual machine an fsync may
 * return at once.
 *
 * @module
 */
import {
  accessSync,
  closeSync,
  constants,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, readable } from "./stats.ts";

/** A place for stores. */
export interface Medium {
  readonly name: "disk" | "tmpfs";
  readonly folder: string;
  /** Whether an fsync costs something: else nothing that is measured there says what a durable run costs. */
  readonly syncs: boolean;
}

/** The benchmark's own folder: ignored by git, made again when needed. */
export const DATA: string = fileURLToPath(new URL("../.data", import.meta.url));
const SHARED_MEMORY = "/dev/shm";
/** No device is reached in so short a time, µs. */
const NO_SYNC = 20;
/** File systems that live in memory, as statfs numbers them: tmpfs, ramfs. */
const IN_MEMORY = [0x01021994, 0x858458f6];

/** The media of this machine, and what has to be said about them. */
export function findMedia(): { readonly media: readonly Medium[]; readonly remarks: readonly string[] } {
  mkdirSync(DATA, { recursive: true });
  const media: Medium[] = [];
  const remarks: string[] = [];
  const disk = [tmpdir(), DATA].find((folder) => !IN_MEMORY.includes(statfsSync(folder).type));
  if (disk === undefined) remarks.push("no real disk: neither the repository nor the folder for temporary files is on one");
  else {
    const cost = syncCost(disk);
    const syncs = cost > NO_SYNC;
    media.push({ name: "disk", folder: disk, syncs });
    remarks.push(`appending 4 KiB to a file on the disk and syncing it takes ${readable(cost)} µs`);
    if (!syncs) remarks.push("**that is no sync: this file system does not wait for a disk, and bars that are about it are not judged**");
  }
  if (isTmpfs(SHARED_MEMORY)) media.push({ name: "tmpfs", folder: SHARED_MEMORY, syncs: false });
  else remarks.push(`no tmpfs: ${SHARED_MEMORY} is none or cannot be written`);
  return { media, remarks };
}

/** Calls `use` with a new folder and removes it afterwards. */
export async function inFolder<T>(medium: Medium, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(medium.folder, "tenure-bench-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median of some appends that are synced, µs. */
function syncCost(folder: string): number {
  const place = mkdtempSync(join(folder, "tenure-bench-"));
  const file = openSync(join(place, "sync"), "a");
  try {
    const block = new Uint8Array(4_096);
    return median(Array.from({ length: 64 }, () => {
      const begin = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      return (performance.now() - begin) * 1000;
    }));
  } finally {
    closeSync(file);
    rmSync(place, { recursive: true });
  }
}

function isTmpfs(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return IN_MEMORY.includes(statfsSync(folder).type);
  } catch {
    return false;
  }
}
