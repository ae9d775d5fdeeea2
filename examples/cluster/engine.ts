/** One of the engines: `engine.ts <url>`. Runs until it is killed, or told to go. */
import process from "node:process";
import { createTenure } from "tenure";
import { postgres } from "tenure/storage/postgres";
import { Order } from "./order.ts";

const tenure = await createTenure({ storage: postgres({ url: process.argv[2] ?? "" }) });
tenure.register("Order", Order, { version: "1" });
process.once("SIGTERM", () => void tenure.close().then(() => process.exit(0)));
process.stdout.write("ready\n");
