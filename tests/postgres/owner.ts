/** A process that owns a store and says so, until it is killed. `owner.ts <url> <schema>` */
import process from "node:process";
import { postgres } from "../../adapters/storage/postgres.ts";
import { createTenure } from "../../mod.ts";
import { Approval } from "./approval.ts";

const [url = "", schema = ""] = process.argv.slice(2);
const tenure = await createTenure({ storage: postgres({ url, schema }) });
tenure.register("Approval", Approval, { version: "1" });
console.log("owner");
