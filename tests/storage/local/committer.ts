/** A process that writes to a local store: `kind path life times`. */
import process from "node:process";
import { folder } from "../../../adapters/storage/folder.ts";
import { sqlite } from "../../../adapters/storage/sqlite.ts";
import { commitOn } from "../_shared/committer.ts";

const [kind, path = "", life = "", times = "0"] = process.argv.slice(2);
await commitOn(kind === "folder" ? folder({ path }) : sqlite({ path, durability: kind === "sqlite-process" ? "process" : "fsync" }), life, Number(times));
