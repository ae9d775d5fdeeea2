/** A process that writes to Deno KV: `path life times`. */
import process from "node:process";
import { denoKv, type DenoKvLike } from "../../../adapters/storage/deno_kv.ts";
import { commitOn } from "../_shared/committer.ts";
import { load } from "../_shared/load.ts";

const [path = "", life = "", times = "0"] = process.argv.slice(2);
const { Deno: deno } = globalThis as unknown as { Deno?: { openKv(path: string): Promise<DenoKvLike> } };
const { openKv } = deno ?? await load<{ openKv(path: string): Promise<DenoKvLike> }>(import.meta.url, "@deno/kv", (name) => import(name));
await commitOn(denoKv({ kv: await openKv(path) }), life, Number(times));
