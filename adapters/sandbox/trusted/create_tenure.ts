/**
 * `createTenure()` as it is imported: the core, and what runs classes of the host.
 *
 * @module
 */
import { createTenure as create, type Tenure, type TenureOptions } from "../../../core/tenure.ts";
import type { WorkflowClass } from "../guest/runtime.ts";
import { croner } from "../../cron/croner.ts";
import { hostSandbox } from "./host.ts";

/**
 * Opens the storage and starts an engine on it.
 *
 * What was running when the owner before went (crash, restart, deployment) goes on by itself. One process owns a
 * store's shards at a time; others serve the same API and take over when the owner is gone.
 *
 * @example
 * ```ts ignore
 * const tenure = await createTenure({ storage: sqlite({ path: "tenure.db" }), sandbox: quickjs() });
 * const acme = tenure.tenant("acme");
 * await acme.deploy(source);
 * const order = await acme.workflow("OrderFlow").create({ params: { sku: 7 } });
 * console.log(await order.result());
 * await tenure.close();
 * ```
 * @throws {TenureError} when the storage cannot be opened (`storage_unavailable`, `storage_newer`)
 */
export function createTenure(options: TenureOptions): Promise<Tenure> {
  return create(options, {
    hostSandbox: (find) => hostSandbox((version, name) => find(version, name) as WorkflowClass | undefined),
    cron: croner(),
  });
}
