/** Golden journals: what a released version wrote, kept for ever and replayed by every later one. */
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { memory } from "../../adapters/storage/memory.ts";
import { createTenure, type InstanceStatus, perCall } from "../../mod.ts";
import type { Store } from "../../core/ports/store.ts";
import { testClock } from "../semantics/_clock.ts";
import { wire } from "../semantics/_stores.ts";

/** A run as a version of the library recorded it. */
export interface Golden {
  /** The tenant's code. */
  readonly source: string;
  /** The code that it began in, when it was moved to another version. */
  readonly before?: string;
  /** Records, one a line. */
  readonly journal: readonly string[];
  /** What of it stands in cells: streams. */
  readonly cells?: readonly { readonly key: string; readonly value: string }[];
  /** Its head's text when it had ended. */
  readonly head: string;
  /** How it ended. */
  readonly status: InstanceStatus;
}

/** The instance of all golden journals. */
export const KEY = { tenant: "acme", workflow: "Flow", id: "golden" } as const;

const macrotask = (): Promise<void> => new Promise((done) => void setImmediate(done));

/**
 * Runs `source` (from `before` on, moved to it on the way) on top of what `lines` recorded (nothing: from its beginning) to its end, an hour at a time.
 *
 * @param schedule the expression of the schedule that makes it
 * @param cells what of the instance stands in cells
 * @returns how it ended, its journal, and the names of the bodies that ran
 */
export async function runOn(source: string, lines: readonly string[], before?: string, schedule?: string, cells: Golden["cells"] = []): Promise<Golden & { readonly ran: readonly string[] }> {
  const clock = testClock();
  const process = clock.process();
  const adapter = memory({ now: clock.now });
  const line = wire(adapter);
  const ran: string[] = [];
  const env = { T: perCall(({ attempt }) => ({ body: (name: string) => void ran.push(name), attempt: () => attempt })) };
  if (lines.length > 0) await put(await adapter.open(), lines, cells);
  const tenure = await createTenure({ storage: line.adapter, sandbox: SANDBOX, clock: process.clock, env: () => env });
  try {
    const acme = tenure.tenant(KEY.tenant);
    const { version: first } = await acme.deploy(before ?? source);
    const { version } = await acme.deploy(source);
    const flows = acme.workflow("Flow");
    const params = { sku: 7, at: new Date(0) };
    if (schedule !== undefined) {
      // the first due time after the beginning of all tests
      await flows.schedules.put("golden", { cron: schedule, params });
      clock.jump(1_800_000);
      for (let n = 0; n < 20; n++) await macrotask();
      await flows.schedules.delete("golden");
    }
    const id = schedule === undefined ? KEY.id : `golden-${clock.now()}`;
    const flow = lines.length > 0 || schedule !== undefined ? await flows.get(id) : await flows.create({ id, params, version: first });
    for (const [n, type] of ["early", "late", "late"].entries()) {
      await flow.sendEvent({ type, payload: { n }, id: `event-${n}` }).catch(() => {});
    }
    if (before !== undefined) await acme.upgrade(version);
    let status = await flow.status();
    for (let n = 0; n < 5_000 && !["complete", "errored"].includes(status.status); n++) {
      // the journal was there before its code
      if (status.paused?.code === "code_unavailable") await flow.resume();
      await macrotask();
      if (n % 20 === 19) clock.jump(3_600_000);
      status = await flow.status();
    }
    const store = await adapter.open();
    const image = await store.load(0, { ...KEY, id });
    const streams = await store.cells(0, { prefix: "streams/", limit: 1_000 });
    return { ...(streams.length > 0 && { cells: streams }), source, ...(before !== undefined && { before }), status, ran, journal: image?.journal.join("\n").split("\n") ?? [], head: image?.head.data ?? "" };
  } finally {
    process.stop();
    await line.cut();
  }
}

const SANDBOX = quickjs();

/** Puts a journal where an owner that died has left it. */
async function put(store: Store, lines: readonly string[], cells: Golden["cells"] = []): Promise<void> {
  const { t, life, version } = JSON.parse(lines[0]?.split("\t")[0] ?? "{}") as { t: number; life: number; version: string };
  const lease = await store.acquire(0, "the one before", 1);
  const head = { ...KEY, status: "running", wake: 0, created: t, ended: null, data: JSON.stringify({ life, version }) };
  const batch = { shard: 0, epoch: lease?.epoch ?? 0, drops: [], heads: [head], cells, acks: [] };
  await store.commit("golden", [{ ...batch, appends: [{ key: KEY, seq: 0, count: lines.length, text: lines.join("\n") }] }]);
  await store.close();
}
