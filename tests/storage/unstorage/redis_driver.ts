/** The driver redis of unstorage; its client is a peer, which Deno finds by a folder of modules alone, so there it is given one. */
import type { UnstorageDriverLike } from "../../../adapters/storage/unstorage.ts";
import { load } from "../_shared/load.ts";

const bring = (name: string): Promise<unknown> => import(name);

/** Loads it. */
export async function redisDriver(): Promise<(options: { readonly url: string; readonly base?: string }) => UnstorageDriverLike> {
  if (!("Deno" in globalThis)) {
    return (await load<{ default(options: object): UnstorageDriverLike }>(import.meta.url, "unstorage/drivers/redis", bring)).default;
  }
  const { Redis } = await load<{ Redis: new (url: string) => unknown }>(import.meta.url, "ioredis", bring);
  return (options) => {
    let client: unknown;
    return { name: "redis", options, getInstance: () => client ??= new Redis(options.url) };
  };
}
