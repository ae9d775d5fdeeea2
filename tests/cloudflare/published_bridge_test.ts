/** A bridge as Cloudflare publishes it: an envelope in the params, instances as objects by reference, `cloudflare:workers` beneath. */
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import type { WorkerLoader } from "../../adapters/cloudflare.ts";
import { exports, RpcTarget, WorkerEntrypoint, WorkflowEntrypoint } from "../../adapters/cloudflare/workers.ts";
import { type Any, onPlatform, tenant } from "./_platform.ts";

class InstanceStub extends RpcTarget {
  readonly #instance: Any;
  constructor(instance: Any) {
    super();
    this.#instance = instance;
  }
  get id(): string {
    return this.#instance.id;
  }
  status(): Promise<Any> {
    return this.#instance.status();
  }
}

class Published extends WorkerEntrypoint<Any, { metadata: Any; bindingName: string }> {
  async create(options?: Any): Promise<Any> {
    const { bindingName, metadata } = this.ctx.props;
    return new InstanceStub(await this.env[bindingName].create({ ...options, params: { __dispatcherMetadata: metadata, params: options?.params } }));
  }
  async get(id: string): Promise<Any> {
    return new InstanceStub(await this.env[this.ctx.props.bindingName].get(id));
  }
}

const load = (env: { LOADER: WorkerLoader }, tenantId: string, source: string) =>
  env.LOADER.get(tenantId, () => {
    const WORKFLOWS = (exports["DynamicWorkflowBinding"] as Any)({ props: { bindingName: "WORKFLOWS", metadata: { tenantId } } });
    return { mainModule: "index.js", modules: { "index.js": source }, env: { WORKFLOWS } };
  });

const SOURCE = tenant(`return await step.do("greet", async () => event.payload.name + " " + event.instanceId);`);

class DynamicWorkflow extends WorkflowEntrypoint<{ LOADER: WorkerLoader }> {
  run({ payload, timestamp, instanceId }: Any, step: Any): Promise<unknown> {
    const { __dispatcherMetadata: { tenantId }, params } = payload;
    return load(this.env, tenantId, SOURCE).getEntrypoint("TenantWorkflow").run({ payload: params, timestamp, instanceId }, step);
  }
}

describe("Cloudflare's own bridge over our cloudflare:workers", () => {
  it("runs a tenant's workflow, and lets the tenant create it and see its status", () =>
    onPlatform({
      dispatcher: { DynamicWorkflowBinding: Published, DynamicWorkflow, default: { api: (env: Any, id: string) => load(env, id, SOURCE).getEntrypoint("Api") } },
    }, async ({ api, result }) => {
      assertEquals(await api("acme", "create", { id: "one", params: { name: "Ada" } }), "one");
      assertEquals(await result("cloudflare:dispatcher", "one"), "Ada one");
      assertEquals((await api("acme", "verb", "one", "status")).output, "Ada one");
    }));
});
