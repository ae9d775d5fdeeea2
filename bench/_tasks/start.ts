/**
 * A program that does one run and ends: `start.js <engine> <folder>`. Built to JavaScript before it is measured.
 *
 * @module
 */
import process from "node:process";
import type { Engine } from "../_engines/engine.ts";
import type { GuestKind } from "../_engines/tenure.ts";

const [name = "bare", folder = ""] = process.argv.slice(2);
if (name !== "bare") {
  const engine = await open(name);
  await engine.run(1);
  // the run is done: how long it takes to let go is not asked
  process.exit(0);
}

async function open(name: string): Promise<Engine> {
  switch (name) {
    case "rivet":
      return (await import("../_engines/rivet.ts")).openRivet({ folder });
    case "openworkflow":
      return (await import("../_engines/openworkflow.ts")).openWorkflow({ folder });
    default:
      return (await import("../_engines/tenure.ts")).openTenure({ folder, guest: name as GuestKind, tenants: 1 });
  }
}
