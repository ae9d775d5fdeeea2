/**
 * Objects in Redis: the objects of a folder are the fields of one hash, so a list needs no scan of all keys.
 *
 * @module
 */
import { TenureError } from "../../../core/errors.ts";
import type { StoreCaps } from "../../../core/ports/store.ts";
import { splitKey, type Objects } from "../log_store/objects.ts";

/** What is used of a client (`ioredis`). */
export interface RedisLike {
  /** Sets a field unless it is there: 1, or else 0. */
  hsetnx(key: string, field: string, value: string): Promise<number>;
  /** Reads a field. */
  hget(key: string, field: string): Promise<string | null>;
  /** Lists fields. */
  hkeys(key: string): Promise<string[]>;
  /** Removes a field. */
  hdel(key: string, field: string): Promise<number>;
  /** Reads settings. */
  config(act: "GET", name: string): Promise<unknown>;
}

/** Opens a server; all keys begin with `prefix`. */
export function openRedis(client: RedisLike, prefix: string): Objects {
  const at = (key: string): [hash: string, field: string] => {
    const [folder, name] = splitKey(key);
    return [prefix + folder, name];
  };
  return {
    async putIfAbsent(key, bytes) {
      return await client.hsetnx(...at(key), encode(bytes)) === 1;
    },
    async get(key) {
      const found = await client.hget(...at(key));
      return found === null ? null : decode(found);
    },
    async list(below) {
      return (await client.hkeys(at(below)[0])).sort().map((name) => below + name);
    },
    async delete(key) {
      await client.hdel(...at(key));
    },
  };
}

/**
 * What an answered write survives, by the server's settings: `"process"` where they cannot be read.
 *
 * @throws {TenureError} `storage_unavailable` when the server throws data away that it has no room for
 */
export async function redisDurability(client: RedisLike): Promise<StoreCaps["durability"]> {
  const evicts = await setting(client, "maxmemory-policy");
  if (evicts !== undefined && evicts !== "noeviction") {
    const reason = `its maxmemory-policy is "${evicts}", which throws data away, and has to be "noeviction"`;
    throw new TenureError("storage_unavailable", `Cannot open "redis": ${reason}`);
  }
  const synced = await setting(client, "appendonly") === "yes" && await setting(client, "appendfsync") === "always";
  return synced ? "fsync" : "process";
}

async function setting(client: RedisLike, name: string): Promise<string | undefined> {
  try {
    const answer = await client.config("GET", name);
    const value = Array.isArray(answer) ? answer[1] as unknown : (answer as Record<string, unknown> | null)?.[name];
    return typeof value === "string" ? value : undefined;
  } catch (error) {
    // Who rents a server is often not told. What does not come from the server is another matter.
    if (error instanceof Error && error.name === "ReplyError") return undefined;
    throw error;
  }
}

/** Clients take texts and Node's own bytes; these are texts everywhere. */
function encode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

function decode(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
