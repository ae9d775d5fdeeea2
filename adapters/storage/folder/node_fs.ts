/**
 * Objects as files: written beside, synced, linked into their place, and the folder synced.
 *
 * @module
 */
import { link, mkdir, open, readdir, readFile, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Objects } from "../log_store/objects.ts";

/** How old an unfinished file is when nobody can still be writing it, ms. */
const STALE = 3_600_000;

/** Opens a folder, which is made when it is not there. */
export async function openFolder(path: string): Promise<Objects> {
  const made = new Set<string>();
  const beside = join(path, "tmp");
  await makeFolder(beside);
  await removeStale(beside);

  /** Makes a folder that is there after a loss of power, too. */
  async function makeFolder(folder: string): Promise<void> {
    if (made.has(folder)) return;
    const first = await mkdir(folder, { recursive: true });
    if (first !== undefined) {
      for (let at = folder;; at = dirname(at)) {
        await syncFolder(dirname(at));
        if (at === first || at === dirname(at)) break;
      }
    }
    made.add(folder);
  }

  async function putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const place = join(path, key);
    const folder = dirname(place);
    await makeFolder(folder);
    const draft = join(beside, crypto.randomUUID());
    const file = await open(draft, "wx");
    try {
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      try {
        await link(draft, place);
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      }
    } finally {
      await unlink(draft);
    }
    await syncFolder(folder);
    return true;
  }

  async function get(key: string): Promise<Uint8Array | null> {
    try {
      return new Uint8Array(await readFile(join(path, key)));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  async function list(prefix: string): Promise<string[]> {
    try {
      return (await readdir(join(path, prefix))).sort().map((name) => prefix + name);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
  }

  async function remove(key: string): Promise<void> {
    try {
      await unlink(join(path, key));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  return { putIfAbsent, get, list, delete: remove };
}

async function syncFolder(folder: string): Promise<void> {
  let handle;
  try {
    handle = await open(folder, "r");
  } catch (error) {
    // Windows opens no folders, and writes their entries through.
    if (codeOf(error) === "EISDIR" || codeOf(error) === "EPERM") return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    if (codeOf(error) !== "EPERM") throw error;
  } finally {
    await handle.close();
  }
}

async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    try {
      const file = join(folder, name);
      if (Date.now() - (await stat(file)).mtimeMs > STALE) await unlink(file);
    } catch {
      // Somebody else removed it.
    }
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
