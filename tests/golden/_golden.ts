/** Golden journals: what a released version wrote, kept for ever and replayed by every later one. */
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { memory } from "../../adapters/storage/memory.ts";
import { createTenure, type InstanceStatus, perCall, type Workflow } from "../../mod.ts";
import { readRecord } from "../../core/instance/records.ts";
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
  /** The step at which it was restarted when it had ended: the journal is that of the life that follows. */
  readonly restart?: string;
  /** Its children: what each began with. */
  readonly children?: readonly { readonly id: string; readonly created: string }[];
  /** Its head's text when it had ended. */
  readonly head: string;
  /** How it ended. */
  readonly status: InstanceStatus;
}

/** The instance of all golden journals. */
export const KEY = { tenant: "acme", workflow: "Flow", id: "golden" } as const;

const macrotask = (): Promise<void> => new Promise((done) => void setImmediate(done));

/** How a golden run comes about. */
export interface Making extends Pick<Golden, "before" | "restart"> {
  /** The expression of the schedule that makes it. */
  readonly schedule?: string;
}

/** A child's journal was there before its code, too. */
async function found(flows: Workflow, id: string): Promise<void> {
  const child = await flows.get(id).catch(() => undefined);
  if ((await child?.status())?.paused?.code === "code_unavailable") await child?.resume();
}

/**
 * Runs `source` on top of what `lines` recorded (nothing: from its beginning) to its end, an hour at a time.
 *
 * @param beside what of the instance stands beside its journal
 * @returns how it ended, its journal, and the names of the bodies that ran
 */
export async function runOn(source: string, lines: readonly string[], { before, schedule, restart }: Making = {}, beside: Pick<Golden, "cells" | "children"> = {}): Promise<Golden & { readonly ran: readonly string[] }> {
  const clock = testClock();
  const process = clock.process();
  const adapter = memory({ now: clock.now });
  const line = wire(adapter);
  const ran: string[] = [];
  const env = { T: perCall(({ attempt }) => ({ body: (name: string) => void ran.push(name), attempt: () => attempt })) };
  if (lines.length > 0) await put(await adapter.open(), lines, beside);
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
    for (let n = 0, again = lines.length === 0 ? restart : undefined; n < 5_000 && (again !== undefined || !["complete", "errored"].includes(status.status)); n++) {
      if (again !== undefined && status.status === "complete") {
        await flow.restart({ from: { name: again } });
        again = undefined;
        ran.length = 0;
      }
      // the journal was there before its code
      if (status.paused?.code === "code_unavailable") await flow.resume();
      if (n % 20 === 19) for (const child of childrenIn(lines)) await found(acme.workflow(child.workflow), child.id);
      await macrotask();
      if (n % 20 === 19) clock.jump(3_600_000);
      status = await flow.status();
    }
    const store = await adapter.open();
    const image = await store.load(0, { ...KEY, id });
    const streams = await store.cells(0, { prefix: "streams/", limit: 1_000 });
    const journal = image?.journal.join("\n").split("\n") ?? [];
    const children = await Promise.all(childrenIn(journal).map(async ({ id, workflow }) => {
      const child = await store.load(0, { ...KEY, workflow, id });
      return { id, created: child?.journal.join("\n").split("\n")[0] ?? "" };
    }));
    return {
      ...(streams.length > 0 && { cells: streams }),
      ...(children.length > 0 && { children }),
      ...(restart !== undefined && { restart }),
      source,
      ...(before !== undefined && { before }),
      status,
      ran,
      journal,
      head: image?.head.data ?? "",
    };
  } finally {
    process.stop();
    await line.cut();
  }
}

const SANDBOX = quickjs();

/** Puts a journal where an owner that died has left it. */
async function put(store: Store, lines: readonly string[], { cells = [], children = [] }: Pick<Golden, "cells" | "children">): Promise<void> {
  const lease = await store.acquire(0, "the one before", 1);
  // a child that has not been heard of is there as it began
  const going = childrenIn(lines).filter(({ waits }) => waits).map(({ id, workflow }) => {
    return { key: { ...KEY, workflow, id }, lines: [children.find((child) => child.id === id)?.created ?? ""] };
  });
  const all = [{ key: KEY, lines }, ...going];
  const heads = all.map(({ key, lines }) => {
    const { t, life, version } = JSON.parse(lines[0]?.split("\t")[0] ?? "{}") as { t: number; life: number; version: string };
    return { ...key, status: "running", wake: 0, created: t, ended: null, data: JSON.stringify({ life, version }) };
  });
  const appends = all.map(({ key, lines }) => ({ key, seq: 0, count: lines.length, text: lines.join("\n") }));
  await store.commit("golden", [{ shard: 0, epoch: lease?.epoch ?? 0, drops: [], heads, appends, cells, acks: [] }]);
  await store.close();
}

/** The children that a journal has started; `waits`: it has not heard what came of one. */
function childrenIn(journal: readonly string[]): readonly { readonly id: string; readonly workflow: string; readonly waits: boolean }[] {
  const heads = journal.map((line) => readRecord(line).head);
  return heads.flatMap((head) => {
    if (head.k !== "scheduled" || head.child === undefined) return [];
    const of = (k: string): boolean => heads.some((other) => other.k === k && "op" in other && other.op === head.op);
    const waits = of("child_started") && !of("outcome") && !of("settled");
    return [{ id: head.child.id, workflow: head.child.workflow, waits }];
  });
}
