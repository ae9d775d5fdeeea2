/**
 * Ids: what is accepted, and keys that no two triples share.
 *
 * @module
 */
import { quote, TenureError, WorkflowError } from "./errors.ts";
import { isInstanceId, isWorkflowName } from "./id_forms.ts";
import type { InstanceKey } from "./ports/store.ts";
import { byteLength } from "./utf8.ts";

/** What an id may be by which something is found: those of instances made by a schedule named by its cron expression, too. */
const ADDRESSABLE_ID = /^[a-zA-Z0-9, *\/#_-]{1,271}$/;

/** @throws {TenureError} `invalid_tenant_id`: 1 to 128 UTF-8 bytes without control characters */
export function checkTenantId(id: unknown): asserts id is string {
  if (typeof id !== "string" || id === "" || id.length > 128 || byteLength(id) > 128 || hasControl(id)) {
    throw new TenureError(
      "invalid_tenant_id",
      `Cannot use the tenant id ${quote(id)}: it must have 1 to 128 bytes and no control characters`,
    );
  }
}

/** @throws {WorkflowError} `invalid_instance_id`, in Cloudflare's words: letters, digits, `_`, `-`, at most 100, not starting with `-`, none that Cloudflare reserves */
export function checkInstanceId(id: unknown): asserts id is string {
  if (!isInstanceId(id)) {
    throw new WorkflowError("invalid_instance_id", `Workflow instance has invalid id: ${quote(id)}`);
  }
}

/** @throws {WorkflowError} `invalid_instance_id`: it can be the id of no instance, neither one given at creation nor one that a schedule made (cron expression and time), at most 271 */
export function checkAddressableId(id: unknown): asserts id is string {
  if (typeof id !== "string" || !ADDRESSABLE_ID.test(id)) {
    throw new WorkflowError("invalid_instance_id", `Workflow instance has invalid id: ${quote(id)}`);
  }
}

/** @throws {TenureError} `invalid_workflow_name`: a class name of at most 64 characters */
export function checkWorkflowName(name: unknown): asserts name is string {
  if (!isWorkflowName(name)) {
    throw new TenureError(
      "invalid_workflow_name",
      `Cannot use the workflow name ${quote(name)}: it must be a class name of at most 64 characters`,
    );
  }
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x7f || (c >= 0xd800 && c < 0xe000 && isLone(text, i))) return true;
  }
  return false;
}

/** A lone surrogate has no UTF-8 form: two ids could become one in a store. */
function isLone(text: string, i: number): boolean {
  const c = text.charCodeAt(i);
  if (c < 0xdc00) {
    const next = text.charCodeAt(i + 1);
    return !(next >= 0xdc00 && next < 0xe000);
  }
  const before = text.charCodeAt(i - 1);
  return !(before >= 0xd800 && before < 0xdc00);
}

/** An injective text for (tenant, workflow, id): lengths first, so no choice of characters can make two alike. */
export function keyText(key: InstanceKey): string {
  return `${key.tenant.length}:${key.workflow.length}:${key.tenant}${key.workflow}${key.id}`;
}

/** The shard of a tenant: the same in every process and release, because it is where its data is (FNV-1a). */
export function shardOf(tenant: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < tenant.length; i++) hash = Math.imul(hash ^ tenant.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards;
}
