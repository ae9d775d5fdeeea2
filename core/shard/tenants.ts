/**
 * What an owner remembers of its tenants: their versions, and what they have used of their limits.
 *
 * @module
 */
import { readTenant, tenantCell, type TenantRecord } from "../code/tenant_record.ts";
import type { Store } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import { readUsage, type Usage, usageCell } from "./quotas.ts";

/** The tenants of one shard. */
export interface Tenants {
  /** What is known of a tenant, `undefined` when it has deployed nothing; at once when it was asked for before. */
  get(tenant: string): TenantRecord | undefined | Promise<TenantRecord | undefined>;
  /** Changes it with the next commit. */
  put(tenant: string, record: TenantRecord): void;
  /** Forgets it, in the store too, with the next commit. */
  remove(tenant: string): void;
  /** What it has used; `undefined` when it has to be asked for by {@linkcode Tenants.get} first. */
  usage(tenant: string): Usage | undefined;
  /** An instance of it came into memory (1), or left it (-1): a tenant that has one there is not forgotten. */
  hold(tenant: string, by: 1 | -1): void;
}

interface Known {
  record: TenantRecord | undefined;
  readonly usage: Usage;
  /** Instances in memory. */
  held: number;
}

/** How many are looked at for one to forget. */
const LOOKS = 8;

/** Makes the memory of one shard. */
export function createTenants(shard: number, store: Store, committer: Pick<Committer, "cell" | "wait">, remembered: number): Tenants {
  const known = new Map<string, Known>();
  /** Those that are being read: one reading for all who ask, or a slow one would bring back what was before. */
  const reading = new Map<string, Promise<TenantRecord | undefined>>();

  function remember(tenant: string, entry: Known): void {
    if (known.size >= remembered) forget();
    known.set(tenant, entry);
  }

  async function read(tenant: string): Promise<TenantRecord | undefined> {
    try {
      const [text, usage] = await Promise.all([store.cell(shard, tenantCell(tenant)), store.cell(shard, usageCell(tenant))]);
      const record = readTenant(text);
      remember(tenant, { record, usage: readUsage(usage), held: 0 });
      return record;
    } finally {
      reading.delete(tenant);
    }
  }

  /** Forgets one of those that were asked for longest ago, unless all of these are in use. */
  function forget(): void {
    let looks = 0;
    for (const [tenant, entry] of known) {
      known.delete(tenant);
      if (entry.held === 0) return;
      known.set(tenant, entry);
      if (++looks === LOOKS) return;
    }
  }

  /** Until what is queued is durable the store would say what was before. */
  function holdUntilDurable(tenant: string, entry: Known): void {
    entry.held++;
    const over = (): void => void entry.held--;
    committer.wait(shard, tenant, { ok: over, lost: over });
  }

  return {
    get(tenant) {
      const found = known.get(tenant);
      if (found !== undefined) return found.record;
      let asked = reading.get(tenant);
      if (asked === undefined) reading.set(tenant, asked = read(tenant));
      return asked;
    },
    put(tenant, record) {
      const entry = known.get(tenant);
      committer.cell(shard, tenant, { key: tenantCell(tenant), value: JSON.stringify(record) });
      if (entry === undefined) return;
      entry.record = record;
      holdUntilDurable(tenant, entry);
    },
    remove(tenant) {
      committer.cell(shard, tenant, { key: tenantCell(tenant), value: null });
      committer.cell(shard, tenant, { key: usageCell(tenant), value: null });
      const entry: Known = { record: undefined, usage: readUsage(null), held: known.get(tenant)?.held ?? 0 };
      known.set(tenant, entry);
      holdUntilDurable(tenant, entry);
    },
    usage: (tenant) => known.get(tenant)?.usage,
    hold(tenant, by) {
      const entry = known.get(tenant);
      if (entry !== undefined) entry.held += by;
    },
  };
}
