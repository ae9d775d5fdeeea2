/** Creating, finding, looking, deleting. */
import type { Case } from "../case.ts";

const complete = (output: unknown): object => ({ status: "complete", output });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Two steps with a gate in the first. */
const TWO = `const a = await step.do("a", async () => { await note("a"); await gate("a"); return "a"; }); return [a, await step.do("b", async () => { await note("b"); return "b"; })];`;

/** See the file. */
export const CREATE: readonly Case[] = [
  {
    name: "an instance has the id and the params that it was given",
    run: `return [event.instanceId, event.payload];`,
    async act(client) {
      const id = await client.create({ id: client.id("mine"), params: { sku: 7 } });
      return [id === client.id("mine"), JSON.stringify((await client.end(id)).output) === JSON.stringify([id, { sku: 7 }])];
    },
    right: [true, true],
  },
  {
    name: "an instance without an id gets a UUID",
    run: `return 1;`,
    async act(client) {
      return [await client.bind("create"), await client.bind("create", {})].map((id) => UUID.test(id as string));
    },
    right: [true, true],
  },
  {
    name: "params that are not given are an empty object",
    run: `return event.payload;`,
    async act(client) {
      return await client.end(await client.create());
    },
    right: complete({}),
    row: "CF-create-14",
  },
  {
    name: "an id that is taken is refused, whatever became of its instance",
    run: `if (event.payload.wait) await step.waitForEvent("w", { type: "go" }); return 1;`,
    async act(client) {
      const done = await client.create({ params: {} }), waits = await client.create({ params: { wait: true } });
      await client.end(done);
      return [await client.fails(client.create({ id: done })), await client.fails(client.create({ id: waits }))];
    },
    right: ["instance.already_exists", "instance.already_exists"],
  },
  {
    name: "ids that can be none are refused",
    run: `return 1;`,
    async act(client) {
      const tried: string[] = [];
      for (const id of ["", "a b", "a\nb", "#a", "-a", "x".repeat(101), "ä"]) tried.push(await client.fails(client.bind("create", { id })));
      return tried.map((message) => /invalid id/.test(message));
    },
    right: [true, true, true, true, true, true, true],
  },
  {
    name: "an id that nobody has is not found",
    run: `return 1;`,
    async act(client) {
      return [await client.fails(client.bind("get", client.id("nobody"))), await client.fails(client.call("status", client.id("nobody")))];
    },
    right: ["instance.not_found", "instance.not_found"],
  },
  {
    name: "a status has no output before the end, and an error only then",
    run: `await step.do("a", async () => { await note("in"); await gate("go"); }); if (event.payload.fails) throw new Error("no"); return 1;`,
    async act(client) {
      const shape = async (id: string): Promise<unknown> => {
        const { status, output = null, error = null } = await client.call("status", id) as { status: string; output?: unknown; error?: unknown };
        return [status, output, error];
      };
      const good = await client.create({ params: {} }), bad = await client.create({ params: { fails: true } });
      await client.noted("in", 2);
      const before = await shape(good);
      await client.open("go");
      await client.end(good);
      await client.end(bad);
      return [before, await shape(good), await shape(bad)];
    },
    right: [["running", null, null], ["complete", 1, null], ["errored", null, { name: "Error", message: "no" }]],
  },
  {
    name: "a status shows nothing but itself",
    run: `return await step.do("a", async () => 1);`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      return Object.keys(await client.call("status", id) as object).filter((key) => !["status", "output", "error"].includes(key));
    },
    right: [],
    row: "CF-status-12",
  },
  {
    name: "a batch makes its instances in order",
    run: `return event.payload.n;`,
    async act(client) {
      const ids = [1, 2, 3].map((n) => client.id(n));
      const made = await client.bind("createBatch", ids.map((id, n) => ({ id, params: { n } }))) as string[];
      return [made.join() === ids.join(), await Promise.all(made.map(async (id) => (await client.end(id)).output))];
    },
    right: [true, [0, 1, 2]],
  },
  {
    name: "a batch leaves out what is taken or repeated",
    run: `return 1;`,
    async act(client) {
      await client.create({ id: client.id("taken") });
      const made = await client.bind("createBatch", ["taken", "new", "new"].map((word) => ({ id: client.id(word) }))) as string[];
      return made.map((id) => id.split("-").at(-1));
    },
    right: ["new"],
  },
  {
    name: "a batch of none, and one of more than a hundred, is refused",
    run: `return 1;`,
    async act(client) {
      const none = await client.fails(client.bind("createBatch", [])), many = await client.fails(client.bind("createBatch", Array.from({ length: 101 }, () => ({}))));
      return [none, many].map((message) => message.startsWith("It did not fail"));
    },
    right: [false, false],
  },
  {
    name: "a batch in its newer form says what could not be made and why",
    run: `return 1;`,
    direct: true,
    async act(client) {
      await client.create({ id: client.id("taken") });
      const { created, errors } = await client.bind("createBatch", { instances: ["taken", "new", "new"].map((word) => ({ id: client.id(word) })) }) as { created: string[]; errors: { index: number; code: number }[] };
      return [created.map((id) => id.split("-").at(-1)), errors.map(({ index, code }) => [index, code])];
    },
    right: [["new"], [[0, 10405], [2, 10415]]],
  },
  {
    name: "a batch of a number makes so many alike",
    run: `return event.payload;`,
    direct: true,
    async act(client) {
      const { created, errors } = await client.bind("createBatch", { count: 3, params: { a: 1 } }) as { created: string[]; errors: unknown[] };
      return [await Promise.all(created.map(async (id) => (await client.end(id)).output)), errors];
    },
    right: [[{ a: 1 }, { a: 1 }, { a: 1 }], []],
  },
  {
    name: "a batch in its newer form works in a tenant's code",
    run: `return 1;`,
    async act(client) {
      const { created } = await client.bind("createBatch", { instances: [{ id: client.id("new") }] }) as { created: string[] };
      return created.length;
    },
    right: 1,
    row: "CF-batch-8",
  },
  {
    name: "one id in two workflows is two instances",
    run: `return event.payload;`,
    async act(client) {
      const id = await client.create({ id: client.id("both"), params: { of: "tenant" } });
      const other = (method: string, body: object): Promise<Response> => client.fetch("/direct", { method: "POST", body: JSON.stringify({ verb: method, ...body }) });
      await other("create", { args: [{ id, params: { of: "dispatcher" } }] });
      for (let n = 0; n < 100; n++) {
        const { value } = await (await other("status", { id, args: [] })).json() as { value: { status: string; output: unknown } };
        if (value.status === "complete") return [await client.end(id), value.output];
        await client.rest(50);
      }
      return "never";
    },
    right: [complete({ of: "tenant" }), { of: "dispatcher" }],
  },
  {
    name: "delete forgets an instance, and its id is free",
    run: `await note("ran"); return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create({ id: client.id("mine") });
      await client.end(id);
      await client.call("delete", id);
      const gone = await client.fails(client.bind("get", id));
      await client.create({ id });
      return [gone, await client.end(id), await client.seen()];
    },
    right: ["instance.not_found", complete(1), ["ran", "ran"]],
  },
  {
    name: "delete stops an instance that runs",
    run: TWO,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.noted("a");
      await client.call("delete", id);
      await client.open("a");
      await client.rest(300);
      return [await client.fails(client.call("status", id)), await client.seen()];
    },
    right: ["instance.not_found", ["a"]],
  },
  {
    name: "deleteBatch says of each position whether it was there",
    run: `return 1;`,
    direct: true,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      const { deleted, errors } = await client.bind("deleteBatch", [client.id("no"), id, client.id("no")]) as { deleted: unknown[]; errors: { id: string; code: number }[] };
      return [deleted.length, errors.map(({ id, code }) => [id === client.id("no"), code])];
    },
    right: [1, [[true, 10400], [true, 10400]]],
  },
  {
    name: "deleteBatch of none, of more than a hundred and of what can be no id is refused",
    run: `return 1;`,
    direct: true,
    async act(client) {
      const tried: boolean[] = [];
      for (const ids of [[], Array.from({ length: 101 }, (_, n) => `a${n}`), ["a.b"]]) tried.push((await client.fails(client.bind("deleteBatch", ids))).startsWith("It did not fail"));
      return tried;
    },
    right: [false, false, false],
  },
  {
    name: "delete works in a tenant's code",
    run: `return 1;`,
    async act(client) {
      const id = await client.create();
      await client.end(id);
      await client.call("delete", id);
      return await client.fails(client.call("status", id));
    },
    right: "instance.not_found",
    row: "CF-delete-7",
  },
];
