/**
 * Deleting a tenant: from outside, by the requests that anybody may make, until nothing of it is left. So it can be
 * asked for in any process, and again after a crash.
 *
 * @module
 */
import type { CallerStore } from "../caller_store.ts";
import type { CodeStore } from "../code/code_store.ts";
import { readTenant, tenantCell } from "../code/tenant_record.ts";
import { TenureError } from "../errors.ts";
import { keyText } from "../ids.ts";
import { outboxPrefixes } from "./children.ts";
import type { Engine } from "./engine.ts";
import { usageCell } from "./quotas.ts";
import { scheduleNamed, tenantPrefix } from "./schedule_record.ts";
import { streamPrefixes } from "./stream_cells.ts";

/** What it is made of. */
export interface DeletionParts {
  readonly engine: Engine;
  readonly store: CallerStore;
  readonly codes: CodeStore;
  readonly tenant: string;
}

const PAGE = 100;
/** Between two looks at what goes by itself, ms. */
const LOOK = 50;

/** Resolves when there is nothing of the tenant left that anybody could read. */
export async function deleteTenant({ engine, store, codes, tenant }: DeletionParts): Promise<void> {
  const shard = engine.shardOf(tenant);
  /** Workflows of which there were instances: their children and streams go after them. */
  const workflows = new Set<string>();

  async function unless(code: string, request: Promise<unknown>): Promise<void> {
    await request.catch((error) => {
      // somebody else was faster
      if (!(TenureError.is(error) && error.code === code)) throw error;
    });
  }

  async function schedules(): Promise<number> {
    const cells = await store.cells(shard, { prefix: tenantPrefix(tenant), limit: PAGE });
    await Promise.all(cells.map(({ key }) => unless("schedule_not_found", engine.submit({ verb: "schedule", act: "delete", tenant, ...scheduleNamed(tenant, key) }))));
    return cells.length;
  }

  async function instances(): Promise<number> {
    const heads = await store.find({ tenant, limit: PAGE });
    for (const { workflow } of heads) workflows.add(workflow);
    await Promise.all(heads.map(({ workflow, id }) => unless("instance.not_found", engine.submit({ verb: "delete", tenant, workflow, id }))));
    return heads.length;
  }

  async function follows(): Promise<boolean> {
    for (const workflow of workflows) {
      const text = keyText({ tenant, workflow, id: "" });
      for (const prefix of [...streamPrefixes(text), ...outboxPrefixes(text)]) {
        if ((await store.cells(shard, { prefix, limit: 1 })).length > 0) return true;
      }
    }
    return false;
  }

  for (;;) {
    if (await schedules() + await instances() > 0) continue;
    if (await follows()) {
      await new Promise<void>((look) => void engine.later(tenant, LOOK, look));
      continue;
    }
    const record = readTenant(await store.cell(shard, tenantCell(tenant)));
    for (const { version } of record?.versions ?? []) await codes.delete(tenant, version);
    await engine.submit({ verb: "forget", tenant });
    const left = await store.cell(shard, tenantCell(tenant)) ?? await store.cell(shard, usageCell(tenant));
    if (left === null && (await store.find({ tenant, limit: 1 })).length === 0) return;
  }
}
