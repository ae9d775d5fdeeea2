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
export function createTenants(shard: number, store: Store, committer: Committer, remembered: number): Tenants {
  const known = new Map<string, Known>();

  function remember(tenant: string, entry: Known): Known {
    if (known.size >= remembered) forget();
    known.set(tenant, entry);
    return entry;
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

  return {
    get(tenant) {
      const found = known.get(tenant);
      if (found !== undefined) return found.record;
      return Promise.all([store.cell(shard, tenantCell(tenant)), store.cell(shard, usageCell(tenant))]).then(([record, usage]) => {
        // another may have asked for it, and changed it, while the store was read
        const present = known.get(tenant) ?? remember(tenant, { record: readTenant(record), usage: readUsage(usage), held: 0 });
        return present.record;
      });
    },
    put(tenant, record) {
      const entry = known.get(tenant);
      if (entry !== undefined) entry.record = record;
      committer.cell(shard, tenant, { key: tenantCell(tenant), value: JSON.stringify(record) });
    },
    usage: (tenant) => known.get(tenant)?.usage,
    hold(tenant, by) {
      const entry = known.get(tenant);
      if (entry !== undefined) entry.held += by;
    },
  };
}
