/**
 * What `dynamic-workflows` means in a tenant's code: its names, so that code which dispatcher and tenants share can be
 * loaded. There are no exports to make a binding of, and no instance of a tenant's has metadata that it can see.
 * Bundled into `DYNAMIC_WORKFLOWS` of entry.generated.ts.
 *
 * @module
 */

/** As the original's. */
export class MissingDispatcherMetadataError extends Error {
  override readonly name: string = "MissingDispatcherMetadataError";
  constructor() {
    super("dynamic-workflows: workflow event is missing dispatcher metadata. Did you forget to wrap the Workflow binding with wrapWorkflowBinding()?");
  }
}

/** What both classes keep. */
class Made {
  protected readonly ctx: unknown;
  protected readonly env: unknown;
  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** There, so that it can be exported. */
export class DynamicWorkflowBinding extends Made {}

/** Throws: no class is registered where there are no exports. */
export function wrapWorkflowBinding(): never {
  throw new Error(
    "dynamic-workflows: `DynamicWorkflowBinding` is not registered on `cloudflare:workers` exports. Add `export { DynamicWorkflowBinding } from 'dynamic-workflows';` to your dispatcher's main module.",
  );
}

/** Rejects: metadata is the dispatcher's, and no event of a tenant's has any. */
export function dispatchWorkflow(): Promise<never> {
  return Promise.reject(new MissingDispatcherMetadataError());
}

/** A class of which every run fails as {@linkcode dispatchWorkflow} does. */
export function createDynamicWorkflowEntrypoint(): new (ctx: unknown, env: unknown) => { run(): Promise<never> } {
  return class DynamicWorkflowEntrypoint extends Made {
    run(): Promise<never> {
      return dispatchWorkflow();
    }
  };
}
