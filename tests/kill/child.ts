/**
 * The process under test: an engine on SQLite with tenants in QuickJS, and nothing that knows of being killed. Bundled
 * by build.ts, with the tenant's source and the binary of QuickJS beside it.
 *
 *     child.mjs '{ "database": …, "phase": … }'
 *
 * @module
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { createTenure, perCall, type StorageAdapter, type Tenure, TenureError, type Workflow } from "tenure";
import { quickjs } from "tenure/sandbox/quickjs";
import { postgres } from "tenure/storage/postgres";
import { sqlite } from "tenure/storage/sqlite";
import { type Answer, type Ask, type Files, type FromChild, readLines, type Shown, type ToChild } from "./wire.ts";

say({ say: "loaded" });
const files = JSON.parse(process.argv[2] as string) as Files;
const phase = openSync(files.phase, "r+");

const [COMMITTING, AT_REST] = ["C", "-"].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];

let effects = 0;
const waiting = new Map<number, () => void>();

const tenure = await open();

readLines<ToChild>(process.stdin, (messages) => {
  for (const message of messages) {
    if (message.tell === "written") {
      waiting.get(message.id)?.();
      waiting.delete(message.id);
    } else {
      void answer(message.ask).then((given) => say({ say: "answer", id: message.id, answer: given }));
    }
  }
});
process.stdin.on("end", () => process.exit(1));
// What a platform does when it is asked to go.
process.once("SIGTERM", () => void tenure.close().then(() => process.exit(0)));
say({ say: "up" });

async function open(): Promise<Tenure> {
  try {
    return await createTenure({
      storage: watched(files.server === undefined ? sqlite({ path: files.database }) : postgres(files.server)),
      ...(files.server !== undefined && { lease: files.server.lease }),
      sandbox: quickjs({ wasm: new URL("./quickjs.wasm", import.meta.url) }),
      // Bounds how often an instance may be there when a process dies: this one dies faster than its bodies can end.
      limits: { crashes: 1_000 },
      env: ({ tenantId, instanceId }) => ({
        EFFECTS: perCall(({ step, attempt, idempotencyKey: key }) => {
          const by = { who: `${tenantId}/${instanceId}`, step: step ?? "", attempt, key };
          return {
            begin: (saw: Record<string, unknown>) => written({ ...by, what: "begin", saw }),
            failed: (saw: Record<string, unknown>) => written({ ...by, what: "failed", saw }),
            end: (saw: Record<string, unknown>, value: string) => written({ ...by, what: "end", saw, value }),
            work: (ms: number) => pause(ms),
          };
        }),
      }),
    });
  } catch (error) {
    say({ say: "refused", ...reasonOf(error) });
    // What was said goes first.
    await pause(50);
    process.exit(2);
  }
}

/** Resolves when the effect is on the disk of the other process. */
function written(effect: Extract<FromChild, { say: "effect" }>["effect"]): Promise<void> {
  return new Promise((done) => {
    const id = ++effects;
    waiting.set(id, done);
    say({ say: "effect", id, effect });
  });
}

async function answer(ask: Ask): Promise<Answer> {
  try {
    switch (ask.op) {
      case "deploy":
        await tenure.tenant(ask.tenant).deploy(readFileSync(new URL("./tenant.ts", import.meta.url), "utf8"));
        return { ok: true };
      case "create":
        await workflowOf(ask).create({ id: ask.id, params: { plan: ask.plan } });
        return { ok: true };
      case "event": {
        const { type, payload, event } = ask;
        await (await workflowOf(ask).get(ask.id)).sendEvent({ type, payload, id: event });
        return { ok: true };
      }
      case "terminate":
        await (await workflowOf(ask).get(ask.id)).terminate();
        return { ok: true };
      case "read":
        return { ok: true, shown: await read(workflowOf(ask), ask.id) };
      case "close":
        await tenure.close();
        // The answer goes first.
        setTimeout(() => process.exit(0), 20);
        return { ok: true };
      default:
        return ask satisfies never;
    }
  } catch (error) {
    return { ok: false, ...reasonOf(error) };
  }
}

function reasonOf(error: unknown): { code: string; message: string } {
  const code = TenureError.is(error) ? error.code : "unexpected";
  return { code, message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

async function read(workflow: Workflow, id: string): Promise<Shown> {
  const instance = await workflow.get(id);
  const steps: Record<string, unknown> = {};
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await instance.history({ limit: 1000, ...(cursor !== undefined && { cursor }) });
    for (const { type, kind, ok, name, value } of page.entries) {
      if (type === "settled" && kind === "do" && ok) steps[name ?? ""] = value;
    }
    cursor = page.cursor;
  }
  const { status, output, error, paused } = await instance.status();
  const why = error ?? paused;
  return { status, output: output as Shown["output"], error: why === undefined ? null : why.message, steps };
}

function workflowOf({ tenant }: { tenant: string }): Workflow {
  return tenure.tenant(tenant).workflow("Work");
}

/** Says in a file, which outlives the process, whether it is in a commit. */
function watched(storage: StorageAdapter): StorageAdapter {
  return {
    name: storage.name,
    async open() {
      const store = await storage.open();
      return {
        ...store,
        async commit(id, batches) {
          writeSync(phase, COMMITTING, 0, 1, 0);
          try {
            return await store.commit(id, batches);
          } finally {
            writeSync(phase, AT_REST, 0, 1, 0);
          }
        },
      };
    },
  };
}

function say(message: FromChild): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
