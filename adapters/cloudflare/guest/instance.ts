/**
 * A workflow binding as a tenant has it, over a binding that takes and gives plain values.
 *
 * @module
 */

/** The host's side: see `remoteWorkflow`. */
export type Remote = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;

interface Named {
  readonly id: string;
}

/** Makes the binding. */
export function workflowBinding(remote: Remote): object {
  const call = (method: string, ...args: unknown[]): Promise<unknown> => (remote[method] as Remote[string])(...args);
  const handle = ({ id }: Named): object => instance(id, call);
  return Object.freeze({
    create: async (options?: unknown) => handle(await call("create", options) as Named),
    createBatch: async (batch: unknown) => {
      const made = await call("createBatch", batch) as Named[] | { created: Named[]; errors: unknown[] };
      return Array.isArray(made) ? made.map(handle) : { created: made.created.map(handle), errors: made.errors };
    },
    get: async (id: unknown) => handle(await call("get", id) as Named),
    deleteBatch: (ids: unknown) => call("deleteBatch", ids),
    list: (options?: unknown) => call("list", options),
  });
}

type Call = (method: string, ...args: unknown[]) => Promise<unknown>;

function instance(id: string, call: Call): object {
  const verb = (name: string) => (...args: unknown[]): Promise<unknown> => call(name, id, ...args);
  return Object.freeze({
    id,
    status: verb("status"),
    pause: verb("pause"),
    resume: verb("resume"),
    terminate: verb("terminate"),
    restart: verb("restart"),
    sendEvent: verb("sendEvent"),
    delete: verb("delete"),
    subscribe: async (options: { cursor?: number; filter?: readonly string[] } = {}) => {
      await call("status", id);
      return subscription(id, options, call);
    },
  });
}

interface Told {
  readonly done: boolean;
  readonly value?: { readonly eventId: number };
}

function subscription(id: string, { cursor, filter }: { cursor?: number; filter?: readonly string[] }, call: Call): object {
  let seen = cursor, over = false;
  const DONE = { done: true, value: undefined };
  const end = (): void => {
    over = true;
  };
  const finish = (): Promise<object> => {
    end();
    return Promise.resolve(DONE);
  };
  const events = {
    async next(): Promise<object> {
      if (over) return DONE;
      const options = { ...(seen !== undefined && { cursor: seen }), ...(filter !== undefined && { filter }) };
      const told = await call("next", id, options) as Told;
      if (over || told.done) return finish();
      seen = told.value?.eventId ?? seen;
      return told;
    },
    return: finish,
    [Symbol.asyncIterator]: () => events,
  };
  if (typeof Symbol.dispose === "symbol") Object.assign(events, { [Symbol.dispose]: end });
  if (typeof Symbol.asyncDispose === "symbol") Object.assign(events, { [Symbol.asyncDispose]: finish });
  return events;
}
