/**
 * What `import … from "cloudflare:workers"` means off Cloudflare. `tenure/cloudflare/register` makes that specifier lead
 * here; a program may as well import it by this name.
 *
 * `env` and `exports` are those of the dispatcher that is served (see `serve`): empty before, and one for the process.
 *
 * @module
 */
import type { WorkflowExecutionContext } from "../../core/entrypoint.ts";
import { TenureError } from "../../core/errors.ts";
import { realm } from "./realm.ts";

export {
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowExecutionContext,
  type WorkflowStep,
  type WorkflowStepConfig,
  type WorkflowStepContext,
  type WorkflowStepEvent,
} from "../../core/entrypoint.ts";

/** What an entrypoint is constructed with beside its env. */
export interface EntrypointContext<Props = unknown> extends Omit<WorkflowExecutionContext, "props"> {
  /** What its stub was made with. */
  readonly props: Props;
  /** The dispatcher's own entrypoints, as {@linkcode exports}. */
  readonly exports: Readonly<Record<string, unknown>>;
}

/** Base class of an entrypoint: its methods can be called by whoever was given a stub of it. */
export abstract class WorkerEntrypoint<Env = unknown, Props = unknown> {
  /** Props of the stub, and `waitUntil`. */
  protected ctx: EntrypointContext<Props>;
  /** The dispatcher's bindings. */
  protected env: Env;
  /** Made anew for each call. */
  constructor(ctx: EntrypointContext<Props>, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** Base class of objects that are passed by reference on Cloudflare. */
export abstract class RpcTarget {}

/** Not there off Cloudflare: a dispatcher that only exports one loads, one that makes one is told so. */
export class DurableObject {
  /** @throws {TenureError} `unsupported`, always */
  constructor() {
    throw new TenureError("unsupported", 'Cannot make a "DurableObject": there are none off Cloudflare');
  }
}

/** The served dispatcher's bindings. */
export const env: Record<string, unknown> = mirror(() => realm.env, "env");

/** The served dispatcher's exported entrypoints: call one with `{ props }` for a stub. */
export const exports: Record<string, unknown> = mirror(() => realm.exports, "exports");

/** Lets the server live until a promise has settled. What it rejects with is the caller's own. */
export function waitUntil(promise: Promise<unknown>): void {
  const settled: Promise<unknown> = Promise.resolve(promise).catch(() => {}).finally(() => realm.waiting.delete(settled));
  realm.waiting.add(settled);
}

/** An object that shows another one, which is not known yet, and that nobody changes. */
function mirror(of: () => Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const refuse = (): never => {
    throw new TypeError(`Cannot change ${name}: it belongs to the platform`);
  };
  return new Proxy({}, {
    get: (_, key) => typeof key === "string" && Object.hasOwn(of(), key) ? of()[key] : undefined,
    has: (_, key) => Object.hasOwn(of(), key),
    ownKeys: () => Reflect.ownKeys(of()),
    getOwnPropertyDescriptor(_, key) {
      const found = Reflect.getOwnPropertyDescriptor(of(), key);
      return found && { ...found, configurable: true };
    },
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
  });
}
