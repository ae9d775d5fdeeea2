/**
 * A tenant's versions, as one cell of its shard.
 *
 * @module
 */

/** One deployed version. */
export interface DeployedVersion {
  /** Content hash of the source. */
  readonly version: string;
  /** When it was first deployed, ms. */
  readonly at: number;
  /** Names of its workflow classes. */
  readonly classes: readonly string[];
}

/** What is known of a tenant's code. */
export interface TenantRecord {
  /** The version that new instances get. */
  readonly active: string;
  readonly versions: readonly DeployedVersion[];
}

/** Key of the cell. */
export function tenantCell(tenant: string): string {
  return `tenant/${tenant}`;
}

/** Reads a cell. */
export function readTenant(text: string | null): TenantRecord | undefined {
  return text === null ? undefined : JSON.parse(text) as TenantRecord;
}

/** The record with a version added, or moved to be the active one. Versions are few: one a deploy. */
export function withVersion(record: TenantRecord | undefined, deployed: DeployedVersion): TenantRecord {
  const others = (record?.versions ?? []).filter((v) => v.version !== deployed.version);
  const known = record?.versions.find((v) => v.version === deployed.version);
  return { active: deployed.version, versions: [...others, known ?? deployed] };
}

/** A version by its hash. */
export function findVersion(record: TenantRecord | undefined, version: string): DeployedVersion | undefined {
  return record?.versions.find((v) => v.version === version);
}
