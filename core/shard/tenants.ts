/**
 * What an owner remembers of its tenants' versions.
 *
 * @module
 */
import { readTenant, tenantCell, type TenantRecord } from "../code/tenant_record.ts";
import type { Store } from "../ports/store.ts";
import type { Committer } from "./committer.ts";

/** The tenants of one shard. */
export interface Tenants {
  /** What is known of a tenant, `undefined` when it has deployed nothing; at once when it was asked for before. */
  get(tenant: string): TenantRecord | undefined | Promise<TenantRecord | undefined>;
  /** Changes it with the next commit. */
  put(tenant: string, record: TenantRecord): void;
}

const REMEMBERED = 10_000;

/** Makes the memory of one shard. */
export function createTenants(shard: number, store: Store, committer: Committer): Tenants {
  const known = new Map<string, TenantRecord | undefined>();
  function remember(tenant: string, record: TenantRecord | undefined): void {
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value as string);
    known.set(tenant, record);
  }
  return {
    get(tenant) {
      if (known.has(tenant)) return known.get(tenant);
      return store.cell(shard, tenantCell(tenant)).then((text) => {
        // a deployment may have been applied while the store was read
        if (!known.has(tenant)) remember(tenant, readTenant(text));
        return known.get(tenant);
      });
    },
    put(tenant, record) {
      remember(tenant, record);
      committer.cell(shard, tenantCell(tenant), JSON.stringify(record));
    },
  };
}
