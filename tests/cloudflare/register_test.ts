import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assertEquals } from "@std/assert";
import { type Command, execute } from "../_runner/execute.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The original, as it is published. */
const original = join(root, "node_modules/@cloudflare/dynamic-workflows");
/** The dispatcher of its README, to the letter. */
const README_DISPATCHER = /```typescript\n(\/\/ dispatcher\/src\/index\.ts\n[^]*?)```/.exec(readFileSync(join(original, "README.md"), "utf8"))?.[1] as string;
const address = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href);

const TENANT = `
import { WorkflowEntrypoint } from 'cloudflare:workers';

export class TenantWorkflow extends WorkflowEntrypoint {
  async run(event, step) {
    return step.do('greet', async () => \`Hello, \${event.payload.name}!\`);
  }
}

export default {
  async fetch(request, env) {
    if (request.method === 'GET') return Response.json(await (await env.WORKFLOWS.get(new URL(request.url).pathname.slice(1))).status());
    const instance = await env.WORKFLOWS.create({ params: await request.json() });
    // \`instance\` is an RPC stub — \`.id\` is an RpcPromise, so await it.
    return Response.json({ id: await instance.id });
  },
};`;

/** What stands around a dispatcher: the host's own lines. */
const MAIN = `
import * as dispatcher from "./dispatcher.ts";
import * as workers from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
import * as other from "@cloudflare/dynamic-workflows";
import { serve } from ${address("adapters/cloudflare.ts")};
import { memory } from ${address("adapters/storage/memory.ts")};
import { quickjs } from ${address("adapters/sandbox/quickjs.ts")};

const config = { name: "my-dispatcher", main: "src/index.ts", compatibility_date: "2026-01-01", worker_loaders: [{ binding: "LOADER" }],
  workflows: [{ name: "dynamic-workflow", binding: "WORKFLOWS", class_name: "DynamicWorkflow" }] };
const app = await serve(dispatcher, { storage: memory(), sandbox: quickjs(), config });
const ask = (path, init) => app.fetch(new Request("https://platform.example" + path, { ...init, headers: { "x-tenant-id": "acme" } }));
const { id } = await (await ask("/", { method: "POST", body: JSON.stringify({ name: "Ada" }) })).json();
let status;
do {
  // requests of a real server come in tasks of their own
  await new Promise((done) => setImmediate(done));
  status = await (await ask("/" + id)).json();
} while (status.status !== "complete" && status.status !== "errored");
const count = async (tenant) => (await app.tenure.tenant(tenant).workflow("dynamic-workflow").list()).instances.length;
console.log(JSON.stringify({ status, ours: other.DynamicWorkflowBinding === dispatcher.DynamicWorkflowBinding, listed: { acme: await count("acme"), dispatcher: await count("cloudflare:dispatcher") }, error: new NonRetryableError("x").name, env: Object.keys(workers.env).sort(), exports: Object.keys(workers.exports) }));
await app.close();
`;

/** Runs a dispatcher with one tenant in a process of its own; gives what it prints last. */
async function run(dispatcher: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "tenure-register-"));
  try {
    writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
    writeFileSync(join(folder, "dispatcher.ts"), `${dispatcher}\n// deno-lint-ignore no-explicit-any\nfunction fetchTenantCode(_: string): any { return ${JSON.stringify(TENANT)}; }\n`);
    writeFileSync(join(folder, "main.js"), MAIN);
    const { code, stdout, output } = await execute(command(join(folder, "main.js")), { timeout: 60_000 });
    assertEquals(code, 0, output);
    return JSON.parse(stdout.trim().split("\n").at(-1) as string);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const RAN = {
  status: { status: "complete", output: "Hello, Ada!" },
  ours: true,
  listed: { acme: 1, dispatcher: 0 },
  error: "NonRetryableError",
  env: ["LOADER", "WORKFLOWS"],
  exports: ["DynamicWorkflowBinding"],
};

describe("tenure/cloudflare/register", () => {
  it("lets the dispatcher of the original's README run as it stands", async () => {
    assertEquals(await run(README_DISPATCHER), RAN);
  });

  it("lets the original's own bridge run over our cloudflare:workers, without the boundary that ours has", async () => {
    const published = pathToFileURL(join(original, "dist/index.js")).href;
    assertEquals(await run(README_DISPATCHER.replace("from 'dynamic-workflows'", `from ${JSON.stringify(published)}`)), { ...RAN, ours: false, listed: { acme: 0, dispatcher: 1 } });
  });
});

/** The runtime that runs this test, with the one thing that makes the specifiers resolve. */
function command(main: string): Command {
  const register = join(root, "adapters/cloudflare/register.ts");
  const { Deno, Bun } = globalThis as { Deno?: unknown; Bun?: unknown };
  if (Deno !== undefined) return { bin: process.execPath, args: ["run", "-A", "--no-check", "--config", join(root, "deno.json"), main] };
  if (Bun !== undefined) return { bin: process.execPath, args: ["--preload", register, main] };
  return { bin: process.execPath, args: ["--disable-warning=ExperimentalWarning", "--conditions=tenure-source", "--import", pathToFileURL(register).href, main] };
}
