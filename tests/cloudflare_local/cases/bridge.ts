/** The Worker Loader, the bridge, and tenants beside each other. */
import type { Case } from "../case.ts";

const complete = (output: unknown): object => ({ status: "complete", output });

/** See the file. */
export const BRIDGE: readonly Case[] = [
  {
    name: "a tenant's own fetch creates an instance and tells its status",
    run: `return step.do("greet", async () => \`Hello, \${event.payload.name}!\`);`,
    more: `export default { async fetch(request, env) {
      if (request.method === "GET") return Response.json(await (await env.WORKFLOWS.get(new URL(request.url).searchParams.get("id"))).status());
      const instance = await env.WORKFLOWS.create({ params: await request.json() });
      return Response.json({ id: await instance.id }, { status: 201, headers: { "x-own": "yes" } });
    } };`,
    async act(client) {
      const made = await client.fetch("/", { method: "POST", body: JSON.stringify({ name: "Ada" }) });
      const { id } = await made.json() as { id: string };
      for (let n = 0; n < 100; n++) {
        const { status, output } = await (await client.fetch(`/?id=${id}`)).json() as { status: string; output: unknown };
        if (status === "complete") return [made.status, made.headers.get("x-own"), made.headers.get("content-type"), output];
        await client.rest(50);
      }
      return "never";
    },
    right: [201, "yes", "application/json", "Hello, Ada!"],
  },
  {
    name: "a tenant's own fetch sees method, path, query, headers and body",
    run: `return 1;`,
    more: `export default { async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      return new Response(JSON.stringify([request.method, pathname, searchParams.get("q"), request.headers.get("X-Own"), await request.text(), env.TENANT === request.headers.get("x-tenant-id"), Object.keys(env).sort()]), { status: 418 });
    } };`,
    async act(client) {
      const response = await client.fetch("/a/b?q=ä%20b", { method: "PUT", body: "text", headers: { "x-own": "1" } });
      return [response.status, await response.json()];
    },
    right: [418, ["PUT", "/a/b", "ä b", "1", "text", true, ["OUTSIDE", "TENANT", "WORKFLOWS"]]],
  },
  {
    name: "a run has the env of its tenant",
    run: `return [this.env.TENANT.startsWith("case-"), Object.keys(this.env).sort()];`,
    act: async (client) => await client.end(await client.create()),
    right: complete([true, ["OUTSIDE", "TENANT", "WORKFLOWS"]]),
  },
  {
    name: "an event has payload, time, id and the name of the workflow",
    run: `return [Object.keys(event).sort(), event.timestamp instanceof Date, event.workflowName];`,
    direct: true,
    act: async (client) => await client.end(await client.create()),
    right: complete([["instanceId", "payload", "timestamp", "workflowName"], true, "direct-workflow"]),
  },
  {
    name: "an event has the name of the workflow also through the bridge",
    run: `return event.workflowName;`,
    act: async (client) => await client.end(await client.create()),
    right: complete("dynamic-workflow"),
    row: "CF-run-4",
  },
  {
    name: "a tenant cannot see another one's instance",
    run: `await step.waitForEvent("w", { type: "go" });`,
    async act(client) {
      const id = await client.create();
      return [await client.as("b").fails(client.as("b").call("status", id)), await client.as("b").fails(client.as("b").call("sendEvent", id, { type: "x", payload: 1 }))];
    },
    right: ["instance.not_found", "instance.not_found"],
    row: "CF-get-2",
  },
  {
    name: "a tenant cannot end another one's instance",
    run: `await step.waitForEvent("w", { type: "go" }); return 1;`,
    async act(client) {
      const id = await client.create();
      await client.rest(200);
      await client.as("b").call("terminate", id).catch(() => {});
      await client.call("sendEvent", id, { type: "go" });
      return await client.end(id);
    },
    right: complete(1),
    row: "CF-get-2",
  },
  {
    name: "two tenants may use one id",
    run: `return this.env.TENANT.split(".").length;`,
    async act(client) {
      const id = client.id("one");
      await client.create({ id });
      await client.as("b").create({ id });
      return [await client.end(id), await client.as("b").end(id)];
    },
    right: [complete(1), complete(2)],
    row: "CF-get-3",
  },
  {
    name: "an envelope that a tenant forges is just params",
    run: `return [this.env.TENANT.includes("."), event.payload];`,
    async act(client) {
      const forged = { __dispatcherMetadata: { tenantId: "someone" }, params: { sku: 1 } };
      return await client.end(await client.create({ params: forged }));
    },
    right: complete([false, { __dispatcherMetadata: { tenantId: "someone" }, params: { sku: 1 } }]),
  },
  {
    name: "an instance that the bare binding made ends for want of metadata",
    run: `return 1;`,
    async act(client) {
      const id = await client.bare("create", undefined, { id: client.id("bare"), params: { a: 1 } }) as string;
      for (let n = 0; n < 100; n++) {
        const { status, error } = await client.bare("status", id) as { status: string; error?: { name: string; message: string } };
        if (status === "errored") return `${error?.name}: ${error?.message}`.replace(/^Error: /, "");
        await client.rest(50);
      }
      return "never";
    },
    right: "MissingDispatcherMetadataError: dynamic-workflows: workflow event is missing dispatcher metadata. Did you forget to wrap the Workflow binding with wrapWorkflowBinding()?",
  },
  {
    name: "a tenant has no network when it is granted none",
    run: `return await step.do("a", ${"{ retries: { limit: 0, delay: 0 } }"}, async () => { try { await fetch("https://example.com/"); return "reached"; } catch { return "refused"; } });`,
    act: async (client) => await client.end(await client.create()),
    right: complete("refused"),
  },
  {
    name: "an instance keeps the code that it began with",
    run: ["old", "new"].map((word) => `const a = await step.do("a", async () => "${word}"); await step.waitForEvent("w", { type: "go" }); return [a, await step.do("b", async () => "${word}")];`),
    async act(client) {
      const id = await client.create();
      await client.rest(400);
      await client.deploy(1);
      // a local engine asks for the code anew only when it replays
      await client.call("pause", id);
      await client.until(id, "paused");
      await client.call("resume", id);
      await client.call("sendEvent", id, { type: "go" });
      return await client.end(id);
    },
    right: complete(["old", "old"]),
    row: "CF-loader-4",
  },
  {
    name: "a tenant's workflow creates and looks at another instance of its own",
    run: `if (event.payload.child) return "child";
      const id = await step.do("make", async () => await (await this.env.WORKFLOWS.create({ id: event.payload.id, params: { child: true } })).id);
      return await step.do("look", { retries: { limit: 40, delay: 50, backoff: "constant" } }, async () => { const { status, output } = await (await this.env.WORKFLOWS.get(id)).status(); if (status !== "complete") throw new Error("not yet"); return output; });`,
    act: async (client) => await client.end(await client.create({ params: { id: client.id("child") } })),
    right: complete("child"),
  },
  {
    name: "a tenant's module may be any shape: constants, helpers, a class of its own",
    run: `return new Adder(LEFT).add(await step.do("two", async () => two()));`,
    more: `const LEFT = 40; const two = () => 2; class Adder { #left; constructor(left) { this.#left = left; } add(right) { return this.#left + right; } }`,
    act: async (client) => await client.end(await client.create()),
    right: complete(42),
  },
  {
    name: "a call of what the platform grants gives its error to the tenant",
    run: `return typeof (await caught(step.do("a", ${"{ retries: { limit: 0, delay: 0 } }"}, async () => await this.env.OUTSIDE.nothing()))).message;`,
    act: async (client) => await client.end(await client.create()),
    right: complete("string"),
  },
];
