/**
 * A wrangler config, as far as it is understood. What is not is refused by name: a key that is silently ignored would be
 * a dispatcher that silently does something else.
 *
 * @module
 */
import { quote, TenureError } from "../../core/errors.ts";

/** The keys of a wrangler config that are supported. */
export interface WranglerConfig {
  /** Noted. */
  readonly $schema?: string;
  /** Noted. */
  readonly name?: string;
  /** Noted: the module is given to `serve`. */
  readonly main?: string;
  /** Noted, and of no effect. */
  readonly compatibility_date?: string;
  /** Noted, and of no effect. */
  readonly compatibility_flags?: readonly string[];
  /** Workflow bindings. */
  readonly workflows?: readonly {
    /** Its name in `env`. */
    readonly binding: string;
    /** Its name as `event.workflowName` says it, and by which its instances are found. */
    readonly name: string;
    /** The exported class. */
    readonly class_name: string;
  }[];
  /** Worker Loaders. */
  readonly worker_loaders?: readonly {
    /** Its name in `env`. */
    readonly binding: string;
  }[];
  /** Plain values of `env`. */
  readonly vars?: Readonly<Record<string, unknown>>;
}

const KEYS = ["$schema", "name", "main", "compatibility_date", "compatibility_flags", "workflows", "worker_loaders", "vars"];

/**
 * Checks a config.
 *
 * @throws {TenureError} `unsupported` naming a key that is not supported; `invalid_argument` for what is no config
 */
export function checkConfig(config: unknown): Required<Pick<WranglerConfig, "workflows" | "worker_loaders" | "vars">> {
  if (typeof config !== "object" || config === null) throw invalid("it is not an object");
  only(config, KEYS, "");
  const { workflows = [], worker_loaders = [], vars = {} } = config as WranglerConfig;
  if (!Array.isArray(workflows) || !Array.isArray(worker_loaders)) throw invalid("workflows and worker_loaders are lists");
  if (typeof vars !== "object" || vars === null) throw invalid("vars is not an object");
  for (const workflow of workflows) {
    texts(workflow, ["binding", "name", "class_name"], "workflows");
  }
  for (const loader of worker_loaders) texts(loader, ["binding"], "worker_loaders");
  const names = [...workflows.map(({ binding }) => binding), ...worker_loaders.map(({ binding }) => binding), ...Object.keys(vars)];
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) throw invalid(`two bindings have the name ${quote(twice)}`);
  const same = workflows.find(({ name }, n) => workflows.findIndex((other) => other.name === name) !== n);
  if (same !== undefined) throw invalid(`two workflows have the name ${quote(same.name)}`);
  return { workflows, worker_loaders, vars };
}

function texts(entry: unknown, keys: readonly string[], where: string): void {
  if (typeof entry !== "object" || entry === null) throw invalid(`an entry of ${where} is not an object`);
  only(entry, keys, `${where}.`);
  for (const key of keys) {
    const value = (entry as Record<string, unknown>)[key];
    if (typeof value !== "string" || value === "") throw invalid(`${where}.${key} is not a name`);
  }
}

function only(given: object, keys: readonly string[], where: string): void {
  const other = Object.keys(given).find((key) => !keys.includes(key));
  if (other !== undefined) throw new TenureError("unsupported", `Cannot serve the dispatcher: its config has ${quote(where + other)}, which is not supported`);
}

function invalid(why: string): TenureError {
  return new TenureError("invalid_argument", `Cannot serve the dispatcher: in its config ${why}`);
}
