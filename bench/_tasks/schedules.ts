/**
 * Many schedules of one tenant that are due at one instant.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { fileOf, openCrowd, type Pace, pause, quantile } from "./neighbour.ts";

/** What to measure. */
export interface SchedulesTask {
  readonly task: "schedules";
  readonly guest: "quickjs" | "trusted";
  readonly folder: string;
  readonly schedules: number;
}

/** What came of it. */
export interface Schedules {
  /** The neighbour beside schedules that are not due, and while they are met. */
  readonly idle: Pace;
  readonly meanwhile: Pace;
  /** How late the step of each began, ms. */
  readonly late: { readonly p50: number; readonly last: number };
}

const SOURCE = `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Burden extends WorkflowEntrypoint {
  async run(event, step) {
    await step.do("due", () => this.env.T.due(event.schedule.scheduledTime));
  }
}
`;
const MANY = 1e9;
const MINUTE = 60_000;
/** Before they are due the neighbour is measured beside them, ms. */
const ALONE = 5_000;

/** Measures once. */
export async function measureSchedules({ guest, folder, schedules }: SchedulesTask): Promise<Schedules> {
  const late: number[] = [];
  let met = (): void => {};
  const all = new Promise<void>((done) => met = done);
  const { tenure, neighbour, burden } = await openCrowd({
    folder,
    guest,
    limits: { schedules: MANY, createsPerSecond: MANY },
    source: SOURCE,
    env: {
      T: {
        due(at: number) {
          if (late.push(Date.now() - at) === schedules) met();
        },
      },
    },
  });
  // one that is due an hour from now tells how long it takes to put them
  const begin = performance.now();
  await put(new Date(Date.now() + 3_600_000));
  const due = new Date(Math.ceil((Date.now() + (performance.now() - begin) * 1.5 + ALONE * 2) / MINUTE) * MINUTE);
  await put(due);
  if (Date.now() > due.getTime() - ALONE) throw new Error("Cannot measure: they were due before all of them were put");
  await pause(due.getTime() - Date.now() - ALONE);
  const idle = await neighbour.during(pause(ALONE - 500));
  await pause(due.getTime() - Date.now());
  const meanwhile = await neighbour.during(all);
  await pause(1_000);
  await tenure.close();
  checkMet(folder, schedules);
  return { idle, meanwhile, late: { p50: quantile(late, 0.5), last: quantile(late, 1) } };

  async function put(at: Date): Promise<void> {
    const cron = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
    let left = schedules;
    await Promise.all(Array.from({ length: 100 }, async () => {
      while (left > 0) await burden.schedules.put(`s${left--}`, { cron });
    }));
  }
}

/** The engine is not asked whether all were met. */
function checkMet(folder: string, schedules: number): void {
  const database = new DatabaseSync(fileOf(folder), { readOnly: true });
  const row = database.prepare("SELECT count(*) AS n FROM tenure_inst WHERE tenant = 'burden' AND status = 'complete'").get();
  database.close();
  if (row?.["n"] !== schedules) throw new Error(`Cannot trust the figures: ${String(row?.["n"])} of ${schedules} are complete`);
}
