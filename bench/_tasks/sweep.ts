/**
 * Many instances of one tenant that have ended and are forgotten at one instant.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { fileOf, openCrowd, type Pace, pause } from "./neighbour.ts";

/** What to measure. */
export interface SweepTask {
  readonly task: "sweep";
  readonly guest: "quickjs" | "trusted";
  readonly folder: string;
  readonly instances: number;
}

/** What came of it. */
export interface Swept {
  /** The neighbour beside instances that are kept, and while they are forgotten. */
  readonly idle: Pace;
  readonly meanwhile: Pace;
  /** How long that took, s. */
  readonly took: number;
}

const SOURCE = `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Burden extends WorkflowEntrypoint {
  async run(event, step) {
    return await step.do("one", () => "x".repeat(200));
  }
}
`;
const BATCH = 100;
const MANY = 1e9;
/** How long the neighbour is measured beside them, ms. */
const ALONE = 3_000;

/** Measures once. */
export async function measureSweep({ guest, folder, instances }: SweepTask): Promise<Swept> {
  const first = await openCrowd({ folder, guest, limits: { createsPerSecond: MANY, instances: MANY }, source: SOURCE });
  let left = instances;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (left > 0) {
      const size = Math.min(BATCH, left);
      left -= size;
      const { created } = await first.burden.createBatch({ count: size });
      await Promise.all(created.map((instance) => instance.result()));
    }
  }));
  const idle = await first.neighbour.during(pause(ALONE));
  // to the next owner it is as if it had been down for a long time
  await first.tenure.close();
  age(folder);
  const second = await openCrowd({ folder, guest, limits: {}, source: SOURCE });
  const begin = performance.now();
  const meanwhile = await second.neighbour.during(gone(folder));
  const took = (performance.now() - begin) / 1_000;
  await second.tenure.close();
  return { idle, meanwhile, took };
}

/** The burden's have all ended forty days ago. */
function age(folder: string): void {
  const database = new DatabaseSync(fileOf(folder));
  database.exec("UPDATE tenure_inst SET wake = wake - 3456000000 WHERE tenant = 'burden' AND wake < 0");
  database.close();
}

/** Resolves when none is left: the engine is not asked. */
async function gone(folder: string): Promise<void> {
  const database = new DatabaseSync(fileOf(folder), { readOnly: true });
  const any = database.prepare("SELECT 1 FROM tenure_inst WHERE tenant = 'burden' LIMIT 1");
  while (any.get() !== undefined) await pause(50);
  database.close();
}
