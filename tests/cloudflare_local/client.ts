/**
 * A client of one engine.
 *
 * @module
 */
import type { Client, Ended } from "./case.ts";
import type { Engine } from "./engines.ts";

/** What a client needs to know. */
export interface ClientParts {
  readonly engine: Engine;
  /** The word of the case. */
  readonly word: string;
  readonly direct: boolean;
  /** Lets the engine be killed and started. */
  restart(): Promise<void>;
}

/** A machine may have much else to do. */
const PATIENCE = 60_000;
const LOOK = 40;
const FINAL = ["complete", "errored", "terminated"];

interface Status {
  readonly status: string;
  readonly output?: unknown;
  readonly error?: { readonly name: string; readonly message: string } | null;
}

/** Makes one. */
export function createClient(parts: ClientParts, tenant: string = parts.word): Client {
  const { engine, word, direct } = parts;
  let made = 0;

  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...init.headers as Record<string, string>, "x-tenant-id": tenant };
    return await fetch(engine.url() + path, { ...init, headers, signal: AbortSignal.timeout(PATIENCE) });
  }

  async function act(asked: { verb: string; id?: string; args: unknown[] }, path = direct ? "/direct" : "/"): Promise<unknown> {
    const response = await ask(path, { method: "POST", body: JSON.stringify(asked) });
    const text = await response.text();
    if (!response.ok) throw new Error(`The dispatcher answered ${response.status}: ${text.slice(0, 500)}`);
    const { value, error } = JSON.parse(text) as { value?: unknown; error?: { name: string; message: string } };
    if (error !== undefined) throw Object.assign(new Error(error.message), { name: error.name });
    return value;
  }

  async function looked<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const began = performance.now();
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() - began > PATIENCE) throw new Error(`It took too long until ${what}`);
      await rest(LOOK);
    }
  }

  const status = async (id: string): Promise<Status> => await act({ verb: "status", id, args: [] }) as Status;
  const seen = async (): Promise<string[]> => await (await ask("/seen", {})).json() as string[];
  const rest = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
  const client: Client = {
    id: (suffix) => `${word}-${suffix}`,
    async create(options = {}) {
      const id = `${word}-${tenant === word ? "" : `${tenant.slice(word.length + 1)}-`}i${++made}`;
      return await act({ verb: "create", args: [{ id, ...options }] }) as string;
    },
    call: (verb, id, ...args) => act({ verb, id, args }),
    loaded: (asked) => act({ args: [], ...asked } as never, "/loaded"),
    bind: (verb, ...args) => act({ verb, args }),
    bare: (verb, id, ...args) => act({ verb, ...(id !== undefined && { id }), args }, "/bare"),
    status: async (id) => (await status(id)).status,
    async until(id, ...statuses) {
      let last = "";
      return await looked(`${id} was ${statuses.join(" or ")}, not ${last}`, async () => {
        last = (await status(id)).status;
        if (FINAL.includes(last) && !statuses.includes(last)) throw new Error(`It is ${last}, not ${statuses.join(" or ")}: ${JSON.stringify(await status(id))}`);
        return statuses.includes(last) ? last : undefined;
      });
    },
    async end(id) {
      return await looked(`${id} ended`, async (): Promise<Ended | undefined> => {
        const { status: last, output, error } = await status(id);
        if (!FINAL.includes(last)) return undefined;
        return { status: last, ...(output !== undefined && output !== null && { output }), ...(error !== undefined && error !== null && { error: { name: error.name, message: error.message } }) };
      });
    },
    seen,
    noted: async (note, times = 1) => void await looked(`"${note}" was noted`, async () => (await seen()).filter((each) => each === note).length >= times || undefined),
    open: async (gate) => void await ask("/open", { method: "POST", body: gate }),
    deploy: async (release) => void await ask("/deploy", { method: "POST", body: String(release) }),
    async fails(action) {
      try {
        return `It did not fail: ${JSON.stringify(await action)}`;
      } catch (error) {
        const { message } = error as Error;
        return /\b[a-z]+\.[a-z]+_[a-z]+\b|\binstance\.ended\b/.exec(message)?.[0] ?? message;
      }
    },
    fetch: ask,
    restart: () => parts.restart(),
    rest,
    as: (other) => createClient(parts, `${word}.${other}`),
  };
  return client;
}
