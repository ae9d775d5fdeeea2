/**
 * The dispatcher: one code for both engines. Its first half is the README's, with sources at hand; the second is what a
 * client outside needs: a place where bodies say that they ran, and gates where they wait.
 */
import { createDynamicWorkflowEntrypoint, DynamicWorkflowBinding, wrapWorkflowBinding } from "@cloudflare/dynamic-workflows";
import { exports, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";
import { act } from "./act.js";
import { SOURCES } from "./sources.ts";

export { DynamicWorkflowBinding };

/** By tenant: what bodies noted, gates that are open, the release that is loaded. Gone when the engine is killed. */
const notes = new Map(), gates = new Set(), releases = new Map();

function loadTenant(env, tenantId) {
  const release = releases.get(tenantId) ?? 0;
  return env.LOADER.get(`${tenantId}/${release}`, async () => ({
    compatibilityDate: "2026-11-01",
    mainModule: "index.js",
    modules: { "index.js": SOURCES[tenantId.split(".")[0]][release], "act.js": `export ${act}` },
    env: {
      WORKFLOWS: wrapWorkflowBinding({ tenantId }),
      OUTSIDE: exports.Outside({ props: { tenantId } }),
      TENANT: tenantId,
    },
    globalOutbound: null,
  }));
}

export const DynamicWorkflow = createDynamicWorkflowEntrypoint(async ({ env, metadata }) => {
  return loadTenant(env, metadata.tenantId).getEntrypoint("TenantWorkflow");
});

/** Without a bridge: the dispatcher's own binding, with the tenant in the params. */
export class DirectWorkflow extends WorkflowEntrypoint {
  async run(event, step) {
    const { tenantId, params } = event.payload;
    return await loadTenant(this.env, tenantId).getEntrypoint("TenantWorkflow").run({
      payload: params,
      timestamp: event.timestamp,
      instanceId: event.instanceId,
      workflowName: event.workflowName,
    }, step);
  }
}

export class Outside extends WorkerEntrypoint {
  note(word) {
    const { tenantId } = this.ctx.props;
    notes.set(tenantId, [...(notes.get(tenantId) ?? []), word]);
  }
  async gate(name) {
    while (!gates.has(`${this.ctx.props.tenantId}/${name}`)) await new Promise((done) => setTimeout(done, 10));
  }
}

/** All the network that loaded code is given. */
export class Network extends WorkerEntrypoint {
  async fetch(request) {
    return new Response(`${request.method} ${request.url} ${request.headers.get("x-own")} ${await request.text()}`, { status: 203 });
  }
}

/** Puts the tenant into params of the dispatcher's own binding. */
function direct(binding, tenantId) {
  const put = (options = {}) => ({ ...options, params: { tenantId, params: options.params } });
  return {
    create: (options) => binding.create(put(options)),
    createBatch: (batch) => {
      if (Array.isArray(batch)) return binding.createBatch(batch.map(put));
      return binding.createBatch(batch.instances === undefined ? put(batch) : { instances: batch.instances.map(put) });
    },
    get: (id) => binding.get(id),
    deleteBatch: (ids) => binding.deleteBatch(ids),
  };
}

/** Loads code that a client sends and calls a method of it. */
async function loaded(env, { code: given, id, entry, props, method, args, outbound }) {
  const code = outbound === true ? { ...given, globalOutbound: exports.Network({ props: {} }) } : given;
  const worker = id === undefined ? env.LOADER.load(code) : env.LOADER.get(id, async () => code);
  try {
    const stub = worker.getEntrypoint(entry, props === undefined ? undefined : { props });
    if (method !== "fetch") return { value: await stub[method](...args) };
    const response = await stub.fetch(...args);
    return { value: [response.status, await response.text()] };
  } catch (error) {
    return { error: { name: error.name, message: error.message } };
  }
}

export default {
  async fetch(request, env) {
    const tenantId = request.headers.get("x-tenant-id");
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/seen":
        return Response.json(notes.get(tenantId) ?? []);
      case "/open":
        gates.add(`${tenantId}/${await request.text()}`);
        return new Response();
      case "/deploy":
        releases.set(tenantId, Number(await request.text()));
        return new Response();
      case "/direct":
        return Response.json(await act(direct(env.DIRECT, tenantId), await request.json()));
      case "/loaded":
        return Response.json(await loaded(env, await request.json()));
      case "/bare":
        return Response.json(await act(env.WORKFLOWS, await request.json()));
      default:
        return await loadTenant(env, tenantId).getEntrypoint().fetch(request);
    }
  },
};
