/**
 * Many sleeps of one tenant that are due at one instant.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import process from "node:process";
import { fileOf, openCrowd, type Pace, pause, quantile } from "./neighbour.ts";

/** What to measure. */
export interface HerdTask {
  readonly task: "herd";
  readonly guest: "quickjs" | "trusted";
  readonly folder: string;
  readonly sleepers: number;
  /** How long the neighbour is measured alone, ms. */
  readonly alone: number;
}

/** What came of it. */
export interface Herd {
  /** The neighbour beside the sleepers, and while they wake. */
  readonly idle: Pace;
  readonly meanwhile: Pace;
  /** How late they woke, ms. */
  readonly late: { readonly p50: number; readonly p99: number; readonly last: number };
  /** Memory of the process: asleep, and the most while they woke, MiB. */
  readonly asleep: number;
  readonly most: number;
}

const SOURCE = `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Burden extends WorkflowEntrypoint {
  async run(event, step) {
    await step.sleepUntil("until", event.payload);
    await step.do("awake", () => this.env.T.awake());
  }
}
`;
const BATCH = 100;
const MANY = 1e9;

/** Measures once. */
export async function measureHerd({ guest, folder, sleepers, alone }: HerdTask): Promise<Herd> {
  const late: number[] = [];
  let due = Infinity;
  let awake = (): void => {};
  const all = new Promise<void>((done) => awake = done);
  const { tenure, neighbour, burden } = await openCrowd({
    folder,
    guest,
    limits: { createsPerSecond: MANY },
    source: SOURCE,
    env: {
      T: {
        awake() {
          if (late.push(Date.now() - due) === sleepers) awake();
        },
      },
    },
  });
  await neighbour.during(pause(500));
  // how long it takes to put them to sleep is known only when some are
  const some = Math.min(2_000, sleepers / 10);
  const begin = performance.now();
  const probe = Date.now() + 3_600_000;
  await create(some, probe);
  const each = (performance.now() - begin) / some;
  due = Math.ceil(Date.now() + sleepers * each * 1.5 + alone + 6_000);
  await create(sleepers, due);
  await pause(2_000);
  const asleep = process.memoryUsage.rss();
  const idle = await neighbour.during(pause(alone));
  if (Date.now() > due) throw new Error("Cannot measure: they woke before all of them were asleep");
  let most = 0;
  const sampling = setInterval(() => most = Math.max(most, process.memoryUsage.rss()), 20);
  await pause(due - Date.now());
  const meanwhile = await neighbour.during(all);
  await pause(1_000);
  clearInterval(sampling);
  await tenure.close();
  checkDone(folder, sleepers);
  const MiB = 2 ** 20;
  return {
    idle,
    meanwhile,
    late: { p50: quantile(late, 0.5), p99: quantile(late, 0.99), last: Math.max(...late.slice(-1), quantile(late, 1)) },
    asleep: asleep / MiB,
    most: most / MiB,
  };

  async function create(count: number, until: number): Promise<void> {
    let left = count;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (left > 0) {
        const size = Math.min(BATCH, left);
        left -= size;
        await burden.createBatch({ count: size, params: until });
      }
    }));
  }
}

/** The engine is not asked whether all are done. */
function checkDone(folder: string, sleepers: number): void {
  const database = new DatabaseSync(fileOf(folder), { readOnly: true });
  const row = database.prepare("SELECT count(*) AS n FROM tenure_inst WHERE tenant = 'burden' AND status = 'complete'").get();
  database.close();
  if (row?.["n"] !== sleepers) throw new Error(`Cannot trust the figures: ${String(row?.["n"])} of ${sleepers} are complete`);
}
