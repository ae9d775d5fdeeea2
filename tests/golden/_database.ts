/** Golden database files: what a released version left of many instances at one moment, gone on with by every later one. */
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { sqlite } from "../../adapters/storage/sqlite.ts";
import type { SandboxAdapter } from "../../core/ports/guest.ts";
import { createTenure, type InstanceStatus, perCall, type Tenure, TenureError } from "../../mod.ts";
import { START, type TestClock, testClock } from "../semantics/_clock.ts";
import { wire } from "../semantics/_stores.ts";
import { DATABASE } from "./sources.ts";

/** How the engine that wrote a file ended. */
export const ENDINGS = ["released", "killed"] as const;

/** What is known of a file. */
export interface GoldenDatabase {
  /** When it was left, ms after {@linkcode START}. */
  readonly after: number;
  /** How its instances stood. */
  readonly before: { readonly [instance: string]: string };
  /** How they ended. */
  readonly ends: { readonly [instance: string]: InstanceStatus };
  /** Attempts at bodies that ran on the way to there, sorted. */
  readonly ran: readonly string[];
}

/** Lent: an engine that ends does not end it. */
const SANDBOX: SandboxAdapter = Object.assign(quickjs(), { close: () => Promise.resolve() });
const macrotask = (): Promise<void> => new Promise((done) => void setImmediate(done));

interface Running {
  readonly tenure: Tenure;
  readonly ran: string[];
  /** Ends it as SIGKILL does. */
  kill(): Promise<void>;
}

async function open(path: string, clock: TestClock, engine = true): Promise<Running> {
  const process = clock.process();
  const line = wire(sqlite({ path, durability: "process" }));
  const ran: string[] = [];
  const T = perCall(({ tenantId, instance, attempt }) => ({
    body: (name: string) => void ran.push(`${tenantId}/${instance} ${name} ${attempt}`),
    // a body that never ends
    hang: () => new Promise(() => {}),
  }));
  const tenure = await createTenure({ storage: line.adapter, sandbox: SANDBOX, clock: process.clock, engine, env: () => ({ T }) });
  return {
    tenure,
    ran,
    async kill() {
      process.stop();
      await line.cut();
    },
  };
}

/** Waits for what goes on beside the clock. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let n = 0; !await holds(); n++) {
    if (n > 20_000) throw new Error("Waited in vain");
    await macrotask();
  }
}

const TENANTS = ["acme", "bolt"];

async function statuses(tenure: Tenure): Promise<{ [instance: string]: InstanceStatus }> {
  const found: { [instance: string]: InstanceStatus } = {};
  for (const tenant of TENANTS) {
    const { instances } = await tenure.tenant(tenant).workflow("Flow").list();
    for (const { id, ...status } of instances) found[`${tenant}/${id}`] = status;
  }
  return found;
}

/** How the instances of a file stand when it is left: by id, which is what they do. */
const STANDING: { readonly [id: string]: string } = {
  asleep: "waiting",
  waiting: "waiting",
  paused: "paused",
  retrying: "waiting",
  racing: "waiting",
  restarted: "waiting",
  hanging: "running",
  errored: "errored",
  complete: "complete",
  terminated: "terminated",
};

/** Writes a file, and says how the instances stood. */
export async function writeDatabase(path: string, ending: typeof ENDINGS[number]): Promise<Pick<GoldenDatabase, "after" | "before">> {
  const clock = testClock();
  const { tenure, kill } = await open(path, clock);
  for (const tenant of TENANTS) {
    await tenure.tenant(tenant).deploy(DATABASE);
    const flows = tenure.tenant(tenant).workflow("Flow");
    for (const id of Object.keys(STANDING)) await flows.create({ id, params: { does: id, at: new Date(0) } });
    await until(async () => (await flows.list({ status: "waiting" })).instances.length === 7 && (await (await flows.get("hanging")).history()).entries.length > 1);
    await (await flows.get("waiting")).sendEvent({ type: "early", payload: new Map([[1, 2n]]), id: "evt-1" });
    await (await flows.get("paused")).pause();
    await (await flows.get("terminated")).terminate();
    await (await flows.get("restarted")).restart();
    clock.jump(1_000);
    await until(async () => {
      const all = await statuses(tenure);
      return Object.entries(STANDING).every(([id, status]) => all[`${tenant}/${id}`]?.status === status);
    });
  }
  if (ending === "released") {
    let closed = false;
    const closing = tenure.close({ timeout: 10 }).then(() => closed = true);
    for (; !closed; clock.jump(1)) await macrotask();
    await closing;
  } else {
    await kill();
    // left for whoever owns the store next
    const api = await open(path, clock, false);
    void api.tenure.tenant("acme").workflow("Flow").get("waiting").then((flow) => flow.sendEvent({ type: "go", payload: "from the inbox", id: "evt-2" }));
    for (let n = 0; n < 100; n++) await macrotask();
    await api.kill();
  }
  const reader = await open(path, clock, false);
  const all = await statuses(reader.tenure);
  await reader.kill();
  return { after: clock.now() - START, before: standing(all) };
}

const ENDED = ["complete", "errored", "terminated"];

function standing(all: { readonly [instance: string]: InstanceStatus }): { [instance: string]: string } {
  return Object.fromEntries(Object.entries(all).map(([instance, { status }]) => [instance, status]));
}

function isAll(all: { readonly [instance: string]: InstanceStatus }, wanted: readonly string[]): boolean {
  return Object.values(all).every(({ status }) => wanted.includes(status));
}

async function goOn(tenure: Tenure): Promise<void> {
  for (const tenant of TENANTS) {
    const flows = tenure.tenant(tenant).workflow("Flow");
    await (await flows.get("paused")).resume();
    await (await flows.get("waiting")).sendEvent({ type: "go", payload: "from afar", id: "evt-3" }).catch(ended);
  }
}

/** The message in the inbox has had its way. */
function ended(error: unknown): void {
  if (!TenureError.is(error) || error.code !== "instance.ended") throw error;
}

/** Goes on with a file, an hour at a time, until everything has ended. */
export async function finishDatabase(path: string, after: number): Promise<Omit<GoldenDatabase, "after">> {
  const clock = testClock();
  clock.jump(after);
  const { tenure, ran, kill } = await open(path, clock);
  try {
    const before = await statuses(tenure);
    let ends = before;
    for (let n = 1, gone = false; !isAll(ends, ENDED); n++) {
      if (n > 20_000) throw new Error(`Cannot finish: ${JSON.stringify(ends)}`);
      await macrotask();
      ends = await statuses(tenure);
      // a body that runs would run into its time-out
      if (n % 20 > 0 || !isAll(ends, [...ENDED, "waiting", "paused"])) continue;
      // what stands in the inbox was there before
      if (gone) clock.jump(3_600_000);
      else await goOn(tenure);
      gone = true;
    }
    return { before: standing(before), ends: JSON.parse(JSON.stringify(ends)), ran: ran.sort() };
  } finally {
    await kill();
  }
}
