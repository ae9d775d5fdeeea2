/** Sleeps, waits and events. */
import type { Case, Client } from "../case.ts";

async function once(client: Client): Promise<unknown> {
  return await client.end(await client.create());
}

const complete = (output: unknown): object => ({ status: "complete", output });
const TIMED = `const timed = async (action, least) => { const from = Date.now(); await action; return Date.now() - from >= least - 20; };`;

/** What an instance shows when nothing of it runs. */
async function statusAtRest(client: Client): Promise<unknown> {
  const id = await client.create();
  await client.rest(700);
  return await client.status(id);
}

/** See the file. */
export const TIME: readonly Case[] = [
  {
    name: "a sleep of ms or of a number and a unit lasts so long",
    run: `${TIMED} return [await timed(step.sleep("a", 300), 300), await timed(step.sleep("b", "1 second"), 1000), await timed(step.sleep("c", "1 seconds"), 1000)];`,
    act: once,
    right: complete([true, true, true]),
  },
  {
    name: "sleepUntil takes a Date or ms",
    run: `${TIMED} return [await timed(step.sleepUntil("a", new Date(Date.now() + 300)), 300), await timed(step.sleepUntil("b", Date.now() + 300), 300)];`,
    act: once,
    right: complete([true, true]),
  },
  {
    name: "a time in the past cannot be slept until",
    run: `return (await caught(step.sleepUntil("a", new Date(5)))).message;`,
    act: once,
    right: complete("You can't sleep until a time in the past, time-traveler"),
  },
  {
    name: "a duration that is none is refused, catchably",
    run: `const tried = []; for (const duration of ["10 foos", "5", "soon", "-5 seconds"]) tried.push(typeof (await caught(step.sleep("a" + duration, duration)))?.message); return tried;`,
    act: once,
    right: complete(["string", "string", "string", "string"]),
    row: "CF-sleep-4",
  },
  {
    name: "an instance that sleeps is waiting",
    run: `await step.sleep("a", "1 hour");`,
    act: statusAtRest,
    right: "waiting",
    row: "CF-status-6",
  },
  {
    name: "an instance that waits for an event is waiting",
    run: `await step.waitForEvent("a", { type: "go" });`,
    act: statusAtRest,
    right: "waiting",
    row: "CF-status-6",
  },
  {
    name: "an event reaches the step that waits for its type",
    run: `const { payload, type, timestamp } = await step.waitForEvent("a", { type: "paid", timeout: "1 minute" }); return [payload, type, timestamp instanceof Date];`,
    async act(client) {
      const id = await client.create();
      await client.rest(200);
      await client.call("sendEvent", id, { type: "other", payload: 0 });
      await client.call("sendEvent", id, { type: "paid", payload: { cents: 990 } });
      return await client.end(id);
    },
    right: complete([{ cents: 990 }, "paid", true]),
  },
  {
    name: "events that come early are kept in order",
    run: `await step.do("first", async () => { await gate("go"); });
      const got = []; for (let n = 0; n < 12; n++) got.push((await step.waitForEvent("w" + n, { type: "n", timeout: "5 seconds" })).payload); return got;`,
    async act(client) {
      const id = await client.create();
      for (let n = 0; n < 12; n++) await client.call("sendEvent", id, { type: "n", payload: n });
      await client.open("go");
      return await client.end(id);
    },
    right: complete([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
  },
  {
    name: "two events, one after the other",
    run: `return [(await step.waitForEvent("a", { type: "one" })).payload, (await step.waitForEvent("b", { type: "two" })).payload];`,
    async act(client) {
      const id = await client.create();
      await client.call("sendEvent", id, { type: "two", payload: 2 });
      await client.rest(150);
      await client.call("sendEvent", id, { type: "one", payload: 1 });
      return await client.end(id);
    },
    right: complete([1, 2]),
  },
  {
    name: "a wait that times out throws, catchably",
    run: `return await caught(step.waitForEvent("a", { type: "go", timeout: 200 }));`,
    act: once,
    right: complete({ name: "Error", message: "WorkflowTimeoutError: Execution timed out after 200ms" }),
  },
  {
    name: "a wait that times out, uncaught, fails the instance",
    run: `await step.waitForEvent("a", { type: "go", timeout: "1 second" });`,
    act: once,
    right: { status: "errored", error: { name: "Error", message: "WorkflowTimeoutError: Execution timed out after 1000ms" } },
  },
  {
    name: "a wait that has timed out takes no event from the next: got, timed out, got",
    run: `const tried = []; for (let n = 0; n < 3; n++) { tried.push(await step.waitForEvent("w" + n, { type: "go", timeout: [9000, 500, 9000][n] }).then(({ payload }) => payload, named)); await note("after " + n); } return tried;`,
    async act(client) {
      const id = await client.create();
      await client.call("sendEvent", id, { type: "go", payload: "first" });
      await client.noted("after 1");
      await client.call("sendEvent", id, { type: "go", payload: "third" });
      return await client.end(id);
    },
    right: complete(["first", "WorkflowTimeoutError", "third"]),
  },
  {
    name: "of two that wait for one type the first one gets the first event",
    run: `const a = step.waitForEvent("a", { type: "go" }), b = step.waitForEvent("b", { type: "go" }); return [(await a).payload, (await b).payload];`,
    async act(client) {
      const id = await client.create();
      await client.rest(300);
      await client.call("sendEvent", id, { type: "go", payload: 1 });
      await client.rest(100);
      await client.call("sendEvent", id, { type: "go", payload: 2 });
      return await client.end(id);
    },
    right: complete([1, 2]),
  },
  {
    name: "a wait of 0 ends at once",
    run: `return await refused(step.waitForEvent("a", { type: "go", timeout: 0 }));`,
    async act(client) {
      const id = await client.create();
      await client.rest(1000);
      return await client.status(id);
    },
    right: "complete",
    row: "CF-wait-7",
  },
  {
    name: "an event without a payload has none",
    run: `return typeof (await step.waitForEvent("a", { type: "go" })).payload;`,
    async act(client) {
      const id = await client.create();
      await client.call("sendEvent", id, { type: "go" });
      return await client.end(id);
    },
    right: complete("undefined"),
  },
  {
    name: "an event to an instance that has ended is an error",
    run: `return 1;`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return await client.fails(client.call("sendEvent", id, { type: "go", payload: 1 }));
    },
    right: "instance.ended",
    row: "CF-event-3",
  },
  {
    name: "an event without a type is an error",
    run: `await step.waitForEvent("a", { type: "go" });`,
    async act(client) {
      const id = await client.create();
      return (await client.fails(client.call("sendEvent", id, { type: "", payload: 1 }))).startsWith("It did not fail");
    },
    right: false,
    row: "CF-event-2",
  },
  {
    name: "an event that two parallel branches race for with a sleep is not lost",
    run: `const winner = await Promise.race([step.waitForEvent("a", { type: "go" }).then(({ payload }) => payload), step.sleep("nap", "20 seconds").then(() => "slept")]); return winner;`,
    async act(client) {
      const id = await client.create();
      await client.rest(200);
      await client.call("sendEvent", id, { type: "go", payload: "event" });
      return await client.end(id);
    },
    right: complete("event"),
  },
];
