/** A process that writes to a storage of unstorage: `driver place life times`. */
import process from "node:process";
import { unstorage, type UnstorageDriverLike, type UnstorageLike } from "../../../adapters/storage/unstorage.ts";
import { commitOn } from "../_shared/committer.ts";
import { load } from "../_shared/load.ts";
import { redisDriver } from "./redis_driver.ts";

const bring = (name: string): Promise<unknown> => import(name);
const [name = "", place = "", life = "", times = "0"] = process.argv.slice(2);
const { createStorage } = await load<{ createStorage(options: object): UnstorageLike }>(import.meta.url, "unstorage", bring);
if (name === "redis") {
  await commitOn(unstorage({ driver: (await redisDriver())({ url: place, base: "killed" }) }), life, Number(times));
} else {
  const { default: make } = await load<{ default(options: object): UnstorageDriverLike }>(import.meta.url, `unstorage/drivers/${name}`, bring);
  await commitOn(unstorage({ storage: createStorage({ driver: make({ base: place }) }) }), life, Number(times));
}
