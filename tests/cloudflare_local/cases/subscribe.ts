/** What is told to who subscribes. */
import { type Case, type Client, retries } from "../case.ts";

/** What a subscription tells, by type. */
async function types(client: Client, id: string, options: object = {}): Promise<string[]> {
  return (await client.call("events", id, options) as { type: string }[]).map(({ type }) => type);
}

/** See the file. */
export const SUBSCRIBE: readonly Case[] = [
  {
    name: "subscribe tells what has happened, up to the end",
    run: `await step.do("a", async () => 1); await step.sleep("nap", 20); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return await types(client, id);
    },
    right: ["workflow_queued", "workflow_started", "workflow_running", "step_started", "attempt_started", "attempt_completed", "step_completed", "sleep_started", "sleep_completed", "workflow_completed"],
  },
  {
    name: "subscribe tells of a pause and of what goes on",
    run: `await step.do("a", async () => { await note("a"); await gate("a"); }); return (await step.waitForEvent("w", { type: "go" })).payload;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("pause", id);
      await client.until(id, "waitingForPause");
      await client.open("a");
      await client.until(id, "paused");
      await client.call("resume", id);
      await client.rest(200);
      await client.call("sendEvent", id, { type: "go", payload: 1 });
      await client.end(id);
      return (await types(client, id)).slice(3);
    },
    right: ["step_started", "attempt_started", "workflow_waiting_for_pause", "attempt_completed", "step_completed", "wait_started", "workflow_paused", "workflow_running", "wait_completed", "workflow_completed"],
    row: "CF-subscribe-10",
  },
  {
    name: "subscribe tells of attempts that fail",
    run: `await step.do("a", ${retries(1)}, async ({ attempt }) => { if (attempt === 1) throw new Error("once"); }); await step.do("b", ${retries(0)}, async () => { throw new RangeError("no"); });`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      const told = await client.call("events", id) as { type: string; attempt?: number; error?: { name: string; message: string } }[];
      return told.slice(3).map(({ type, attempt, error }) => [type, attempt, type.startsWith("attempt") ? error?.message : undefined]);
    },
    right: [
      ["step_started"], ["attempt_started", 1], ["attempt_errored", 1, "once"], ["attempt_started", 2], ["attempt_completed", 2], ["step_completed"],
      ["step_started"], ["attempt_started", 1], ["attempt_errored", 1, "no"], ["step_errored"], ["workflow_errored"],
    ].map(([type, attempt, message]) => [type, attempt, message]),
  },
  {
    name: "subscribe tells of a wait that timed out, and of an end from outside",
    run: `await refused(step.waitForEvent("w", { type: "go", timeout: 200 })); await note("after"); await step.sleep("nap", "1 hour");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("after");
      await client.rest(300);
      await client.call("terminate", id);
      await client.end(id);
      return (await types(client, id)).slice(3);
    },
    right: ["wait_started", "wait_timed_out", "sleep_started", "workflow_terminated"],
  },
  {
    name: "subscribe tells of a rollback",
    run: `await step.do("a", async () => 1, { rollback: async () => {} }); throw new Error("no");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return (await types(client, id)).slice(7);
    },
    right: ["rollback_started", "rollback_step_started", "rollback_attempt_started", "rollback_attempt_completed", "rollback_step_completed", "rollback_completed", "workflow_errored"],
  },
  {
    name: "what subscribe tells has the fields of its type",
    run: `await step.do("a", { retries: { limit: 2, delay: "1 second", backoff: "linear" }, timeout: "1 minute" }, async () => ({ made: 1 })); await step.sleep("nap", 20); return "out";`,
    direct: true,
    async act(client) {
      const id = await client.create({ params: { p: 1 } });
      await client.end(id);
      const told = await client.call("events", id) as Record<string, unknown>[];
      return told.slice(2).map(({ eventId, timestamp, instanceId, params: _, ...event }) => [typeof eventId, typeof timestamp, instanceId === id, event]);
    },
    right: [
      { type: "workflow_running" },
      { type: "step_started", stepName: "a-1", config: { retries: { limit: 2, delay: "1 second", backoff: "linear" }, timeout: "1 minute" } },
      { type: "attempt_started", stepName: "a-1", attempt: 1 },
      { type: "attempt_completed", stepName: "a-1", attempt: 1 },
      { type: "step_completed", stepName: "a-1", output: { made: 1 } },
      { type: "sleep_started", stepName: "nap-1", durationMs: 20 },
      { type: "sleep_completed", stepName: "nap-1" },
      { type: "workflow_completed", output: "out" },
    ].map((event) => ["number", "number", true, event]),
  },
  {
    name: "a sensitive output is hidden from who subscribes",
    run: `return await step.do("a", { sensitive: "output" }, async () => "secret") === "secret";`,
    direct: true,
    async act(client) {
      const id = await client.create();
      const { output } = await client.end(id);
      const told = await client.call("events", id, { filter: ["step_completed"] }) as { output: unknown }[];
      return [output, told.map(({ output }) => output)];
    },
    right: [true, ["[REDACTED]"]],
  },
  {
    name: "subscribe goes on behind a cursor",
    run: `await step.do("a", async () => 1); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      const told = await client.call("events", id) as { type: string; eventId: number }[];
      return await types(client, id, { cursor: told[4]?.eventId as number });
    },
    right: ["attempt_completed", "step_completed", "workflow_completed"],
  },
  {
    name: "subscribe keeps to a filter, and ends all the same",
    run: `await step.do("a", async () => 1); throw new Error("no");`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return await types(client, id, { filter: ["step_completed"] });
    },
    right: ["step_completed"],
  },
  {
    name: "subscribe works in a tenant's code",
    run: `return 1;`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return (await types(client, id)).at(-1);
    },
    right: "workflow_completed",
    row: "CF-subscribe-9",
  },
];
