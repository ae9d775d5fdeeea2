/**
 * A case: code of tenants, what a client does, and what is right.
 *
 * @module
 */

/** What a client sees of an instance that has ended. */
export interface Ended {
  readonly status: string;
  readonly output?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
}

/** A client of one engine, on behalf of one case. */
export interface Client {
  /** Makes an instance; its id begins with the case's own word when none is given. */
  create(options?: Record<string, unknown>): Promise<string>;
  /** Calls a verb of an instance. */
  call(verb: string, id: string, ...args: unknown[]): Promise<unknown>;
  /** Calls a verb of the binding. */
  bind(verb: string, ...args: unknown[]): Promise<unknown>;
  /**
   * Lets the dispatcher load code, and calls a method of an entrypoint of it. With `outbound` what the code fetches goes
   * to an entrypoint of the dispatcher.
   */
  loaded(asked: { readonly code: object; readonly id?: string; readonly entry?: string; readonly props?: unknown; readonly method: string; readonly args?: readonly unknown[]; readonly outbound?: true }): Promise<unknown>;
  /** Calls a verb of the dispatcher's own binding, or of its instance. */
  bare(verb: string, id: string | undefined, ...args: unknown[]): Promise<unknown>;
  /** The status of an instance. */
  status(id: string): Promise<string>;
  /** Waits until an instance has one of these statuses. */
  until(id: string, ...statuses: string[]): Promise<string>;
  /** Waits for the end. */
  end(id: string): Promise<Ended>;
  /** What bodies have noted, in order: `await this.env.OUTSIDE.note(word)`. */
  seen(): Promise<string[]>;
  /** Waits until a word has been noted so many times. */
  noted(word: string, times?: number): Promise<void>;
  /** Lets bodies through that wait at a gate: `await this.env.OUTSIDE.gate(name)`. */
  open(gate: string): Promise<void>;
  /** The code of the error by which something fails, `instance.not_found`, or its message when it has none. */
  fails(action: Promise<unknown>): Promise<string>;
  /** Gives a request to the tenant's own `fetch`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Lets a later release of the tenant's code be loaded from now on. */
  deploy(release: number): Promise<void>;
  /** Kills the engine, with all cases that ask for it, and starts it on the same data. */
  restart(): Promise<void>;
  /** Waits. */
  rest(ms: number): Promise<void>;
  /** The same client for another tenant of the case. */
  as(tenant: string): Client;
  /** An id of this case. */
  id(word: string | number): string;
}

/** See the module. */
export interface Case {
  /** A sentence. */
  readonly name: string;
  /** Body of `run(event, step)` of the tenant's workflow; more than one: releases of it. */
  readonly run: string | readonly string[];
  /** What else stands in the tenant's module. */
  readonly more?: string;
  /** Through the dispatcher's own binding instead of the tenant's: for what Cloudflare's bridge does not hand on. */
  readonly direct?: true;
  /** Whether the client kills the engine. */
  readonly restarts?: true;
  /** The client: what it gives back is compared. */
  act(client: Client): Promise<unknown>;
  /** What is right. */
  readonly right: unknown;
  /** The row of docs/parity.md by which Cloudflare's local engine may come to something else. */
  readonly row?: string;
}

/** A tenant's module. */
export function moduleOf({ more = "" }: Case, run: string): string {
  return `import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
import { act } from "./act.js";
export class TenantWorkflow extends WorkflowEntrypoint {
  async run(event, step) {
    const note = (word) => this.env.OUTSIDE.note(String(word));
    const gate = (name) => this.env.OUTSIDE.gate(name);
    // an error that crosses from worker to worker may have its name before its message
    const named = ({ name, message }) => name !== "Error" ? name : /^(\\w*Error)\\b/.exec(message)?.[1] ?? name;
    const refused = async (promise) => { try { await promise; return "taken"; } catch (error) { return named(error); } };
    const caught = async (promise) => { try { return await promise; } catch (error) { return { name: error.name, message: error.message }; } };
    ${run}
  }
}
${more.includes("export default") ? more : `${more}\nexport default { fetch: async (request, env) => Response.json(await act(env.WORKFLOWS, await request.json())) };`}`;
}

/** Retries without waiting. */
export const retries = (limit: number): string => `{ retries: { limit: ${limit}, delay: 1, backoff: "constant" } }`;
