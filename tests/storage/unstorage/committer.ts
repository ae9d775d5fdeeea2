/** A process that writes to a storage of unstorage: `driver place life times`. */
import process from "node:process";
import { unstorage, type UnstorageDriverLike, type UnstorageLike } from "../../../adapters/storage/unstorage.ts";
import { commitOn } from "../_shared/committer.ts";
import { load } from "../_shared/load.ts";

const bring = (name: string): Promise<unknown> => import(name);
const [name = "", place = "", life = "", times = "0"] = process.argv.slice(2);
const { createStorage } = await load<{ createStorage(options: object): UnstorageLike }>(import.meta.url, "unstorage", bring);
const { default: make } = await load<{ default(options: object): UnstorageDriverLike }>(import.meta.url, `unstorage/drivers/${name}`, bring);
const redis = name === "redis";
const driver = make(redis ? { url: place, base: "killed" } : { base: place });
await commitOn(redis ? unstorage({ driver }) : unstorage({ storage: createStorage({ driver }) }), life, Number(times));
