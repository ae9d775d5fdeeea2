/**
 * Requests, applied by the owner: each is decided against the newest state and leaves records.
 *
 * @module
 */
import { findVersion, type TenantRecord, withVersion } from "../code/tenant_record.ts";
import { type Facts, fullText, isFull } from "../instance/decide/common.ts";
import { eventReceived, pauseRequested, resumed, terminated } from "../instance/decide/control.ts";
import { canRollBack, terminatedWithRollback } from "../instance/decide/rollback.ts";
import { type Parent, type Record, record } from "../instance/records.ts";
import { isEnded, type State } from "../instance/state.ts";
import { placementOf } from "../placement.ts";
import type { Clock } from "../ports/clock.ts";
import type { InstanceKey } from "../ports/store.ts";
import type { Opener } from "./activation.ts";
import type { Children } from "./children.ts";
import { isCorrupt } from "./damaged.ts";
import type { Live } from "./live.ts";
import type { Lives } from "./lives.ts";
import { lost } from "./look.ts";
import { noLife, type Usage } from "./quotas.ts";
import { DONE, type InstanceRequest, notFound, type Outcome, refused, type Request } from "./requests.ts";
import type { Births, RestartAt } from "./restart.ts";
import type { Runner } from "./runner.ts";
import type { Tenants } from "./tenants.ts";

/** What requests are applied to. */
export interface ApplyParts {
  readonly clock: Clock;
  readonly opener: Opener;
  readonly lives: Lives;
  readonly tenants: Tenants;
  readonly runner: Runner;
  facts(tenant: string): Facts;
  /** What a new life's journal is written in. */
  format(): number;
  /** Raises it. */
  raise(to: number): Outcome;
  /** Whether the shard is not ours any more. */
  gone(): boolean;
  /** A life is over: what it owes its parent and its children. */
  readonly left: Children["left"];
}

/** What applies requests of one kind. */
export type Applies<R> = (request: R, decided: Decided) => void | Promise<void>;

/** Makes instances. `before` is asked at the moment in which that is decided: what it answers is what comes of it. */
export type Creates = (request: Of<"create">, decided: Decided, before?: () => Outcome | undefined) => void | Promise<void>;

/** What is decided elsewhere. */
export interface Others {
  readonly upgrade: Applies<Of<"upgrade">>;
  readonly schedule: Applies<Of<"schedule">>;
  /** A restart at a step. */
  readonly restart: (request: RestartAt, births: Births, decided: Decided) => Promise<void>;
}

/** Hears of an outcome the moment it is decided, and of the instance that it left something of. */
export type Decided = (outcome: Outcome, live: Live | undefined) => void;

/** What a life begins with. */
type Birth = Pick<State, "life" | "version" | "params" | "concurrency" | "parent" | "schedule" | "metadata" | "retention" | "placement">;

type Of<V extends Request["verb"]> = Extract<Request, { verb: V }>;

/**
 * Makes what applies requests of one shard: at once when all that it needs is in memory. What it answers rejects, or
 * throws, when nothing could be decided.
 */
export function createApply(parts: ApplyParts, others: Others): { readonly apply: Applies<Request>; readonly create: Creates } {
  const { clock, opener, lives, tenants, runner } = parts;
  const births: Births = { versionFor, bear: (live, records) => bear(live.key, records, live) };

  function apply(request: Request, decided: Decided): void | Promise<void> {
    switch (request.verb) {
      case "deploy":
      case "activate":
        return then(tenants.get(request.tenant), (tenant) => {
          stillOurs();
          decided(deploy(request, tenant), undefined);
        });
      case "forget":
        return then(tenants.get(request.tenant), () => {
          stillOurs();
          tenants.remove(request.tenant);
          decided(DONE, undefined);
        });
      case "create":
        return create(request, decided);
      case "format":
        stillOurs();
        return decided(parts.raise(request.to), undefined);
      case "upgrade":
        return others.upgrade(request, decided);
      case "schedule":
        return others.schedule(request, decided);
      case "restart":
        if (request.from !== undefined) return others.restart({ ...request, from: request.from }, births, decided);
        return then(tenants.get(request.tenant), (tenant) => {
          return lives.find(request, (live) => {
            decide(request, live, () => known(request, live, (state, found) => restart(request, state, found, tenant)), decided);
          });
        });
      default:
        // of one that has ended its head says enough: whoever goes on asking it does not have its history read
        return then(lives.hasEnded(request), (ended) => {
          if (ended) return decide(request, undefined, () => afterEnd(request), decided);
          const found = lives.find(request, (live) => {
            decide(request, live, () => known(request, live, (state, found) => control(request, state, found)), decided);
          });
          return request.verb === "delete" ? found?.catch((error) => isCorrupt(error) ? bury(request, decided) : Promise.reject(error)) : found;
        });
    }
  }

  function create(request: Of<"create">, decided: Decided, before?: () => Outcome | undefined): void | Promise<void> {
    return then(tenants.get(request.tenant), (tenant) => {
      if (request.fresh) return decide(request, undefined, () => before?.() ?? make(request, undefined, tenant), decided);
      return lives.find(request, (live): void | Promise<void> => {
        // thousands of other tenants were asked for meanwhile
        if (tenants.usage(request.tenant) === undefined) return create(request, decided, before);
        return decide(request, live, () => before?.() ?? make(request, live, tenant), decided);
      });
    });
  }

  /** Deletes one that is damaged. */
  async function bury(request: Of<"pause" | "resume" | "delete">, decided: Decided): Promise<void> {
    const buried = await lives.bury(request);
    stillOurs();
    // somebody else has deleted it, or made another in its place
    if (buried === undefined) return apply(request, decided);
    decide(request, undefined, () => {
      if (buried.before !== undefined) parts.left(buried.live, buried.before, { gone: true });
      return DONE;
    }, decided);
  }

  /** What is asked of an instance that has ended. */
  function afterEnd({ verb, id }: InstanceRequest): Outcome {
    switch (verb) {
      case "event":
        return refused("instance.ended", `(instance.ended) Cannot send an event to the instance "${id}": it has ended`);
      case "terminate":
        return refused(
          "instance.cannot_terminate",
          `(instance.cannot_terminate) Cannot terminate the instance "${id}": it has ended`,
        );
      default:
        return DONE;
    }
  }

  /** What is decided and who is told of it go together: a commit between them would hold the one without the other. */
  function decide(request: InstanceRequest, live: Live | undefined, by: () => Outcome, decided: Decided): void {
    stillOurs();
    const outcome = by();
    decided(outcome, lives.peek(request));
    if (live !== undefined) lives.release(live, true);
  }

  /** What was read while the shard was lost says nothing. */
  function stillOurs(): void {
    if (parts.gone()) throw lost();
  }

  /** Applies to an instance that exists. */
  function known(
    request: InstanceRequest,
    live: Live | undefined,
    decide: (state: State, live: Live) => Outcome,
  ): Outcome {
    return live?.state === undefined ? notFound(request.id) : decide(live.state, live);
  }

  function deploy(request: Of<"deploy" | "activate">, tenant: TenantRecord | undefined): Outcome {
    const { version } = request;
    const known = findVersion(tenant, version);
    if (request.verb === "activate" && known === undefined) {
      return refused("version_not_found", `Cannot activate the version "${version}": it was never deployed`);
    }
    const classes = request.verb === "deploy" ? request.classes : [];
    tenants.put(request.tenant, withVersion(tenant, known ?? { version, at: clock.now(), classes }));
    return DONE;
  }

  /** The version that a new life gets, or why there is none. */
  function versionFor(workflow: string, tenant: TenantRecord | undefined, asked?: string): string | Outcome {
    const registered = opener.registered(workflow);
    if (registered !== undefined) return registered;
    if (tenant === undefined) {
      return refused("no_active_version", `Cannot create an instance of "${workflow}": the tenant has deployed no code`);
    }
    const version = findVersion(tenant, asked ?? tenant.active);
    if (version === undefined) {
      return refused("version_not_found", `Cannot create an instance in the version "${asked}": it was never deployed`);
    }
    if (!version.classes.includes(workflow)) {
      return refused("workflow_not_found", `Cannot find the workflow "${workflow}": the code exports no such class`);
    }
    return version.version;
  }

  function make(request: Of<"create">, existing: Live | undefined, tenant: TenantRecord | undefined): Outcome {
    const { workflow, id, params, concurrency, parent, schedule, metadata, retention } = request;
    if (existing?.state !== undefined) {
      if (parent !== undefined && isChildOf(existing.state, parent)) return DONE;
      return refused("instance.already_exists", `(instance.already_exists) The instance "${id}" exists already`);
    }
    const version = versionFor(workflow, tenant, request.version);
    if (typeof version !== "string") return version;
    return bear({ tenant: request.tenant, workflow, id }, [created({ life: 1, version, params, concurrency, parent, schedule, metadata, retention, placement: placementOf(request) })], existing);
  }

  function created({ params, life, version, concurrency, parent, schedule, metadata, retention, placement }: Birth): Record {
    const given = { ...(concurrency && { concurrency }), ...(parent && { parent }), ...(retention && { retention }), ...(schedule && { schedule }), ...(metadata !== undefined && { metadata }), ...placement };
    return record({ k: "created", v: parts.format(), t: clock.now(), life, version, seed: clock.uuid(), rng: 1, ...given }, params);
  }

  /** A new life that begins with these records, unless the tenant has too many: its predecessor's journal goes with the same commit. */
  function bear(key: InstanceKey, records: readonly Record[], before: Live | undefined): Outcome {
    const usage = tenants.usage(key.tenant) as Usage;
    const alive = before?.state !== undefined && !isEnded(before.state);
    const no = noLife(usage, opener.limits(key.tenant), { workflow: key.workflow, now: clock.monotonic(), alive });
    if (no !== undefined) return no;
    if (before !== undefined) runner.end(before);
    const old = before?.state;
    const live = lives.replace(key, before, true);
    live.owed.creates++;
    lives.append(live, records);
    // what it keeps of the life before has been counted
    live.share = { ...live.share, steps: live.state?.steps ?? 0 };
    if (old !== undefined) parts.left(live, old, { gone: true, successor: live.state });
    runner.proceed(live);
    return DONE;
  }

  function restart({ version: asked }: Of<"restart">, state: State, live: Live, tenant: TenantRecord | undefined): Outcome {
    const version = versionFor(live.key.workflow, tenant, asked);
    if (typeof version !== "string") return version;
    return bear(live.key, [created({ ...state, life: state.life + 1, version })], live);
  }

  function control(request: Of<"event" | "pause" | "resume" | "terminate" | "delete">, state: State, live: Live): Outcome {
    const facts = parts.facts(request.tenant);
    switch (request.verb) {
      case "event":
        return event(request, state, live, facts);
      case "pause": {
        if (state.phase === "active" && isFull(state, facts.limits)) {
          return refused("quota_exceeded", `Cannot pause the instance "${request.id}": the ${fullText(facts.limits)}`);
        }
        lives.append(live, pauseRequested(state, facts));
        break;
      }
      case "resume":
        lives.append(live, resumed(state, facts));
        break;
      case "terminate":
        if (isEnded(state)) return afterEnd(request);
        if (request.rollback === true) {
          // it does already
          if (state.rollback !== undefined) return DONE;
          if (canRollBack(state)) {
            lives.append(live, terminatedWithRollback(state, facts));
            break;
          }
        }
        lives.append(live, terminated(state, facts));
        runner.end(live);
        return DONE;
      case "delete":
        runner.end(live);
        parts.left(lives.replace(live.key, live, false), state, { gone: true });
        return DONE;
      default:
        request satisfies never;
    }
    runner.proceed(live);
    return DONE;
  }

  function event(request: Of<"event">, state: State, live: Live, facts: Facts): Outcome {
    const { id, type, payload, event, at } = request;
    if (isEnded(state)) return afterEnd(request);
    const records = eventReceived(state, { type, payload, id: event, at }, facts);
    // a known one does nothing, however many wait
    if (records.length === 0) return DONE;
    const { limits } = facts;
    const many = state.buffered >= limits.bufferedEvents;
    if (many || isFull(state, limits, payload.length)) {
      const why = many ? `limit of ${limits.bufferedEvents} events that wait has been reached` : fullText(limits);
      return refused("quota_exceeded", `Cannot send an event to the instance "${id}": the ${why}`);
    }
    lives.append(live, records);
    // it sleeps, and nothing in it waits for such an event: it need not be woken
    if (live.activity !== "resting" || waitsFor(state, type)) runner.proceed(live);
    return DONE;
  }

  return { apply, create };
}

/** Whether it was started by this very command. */
function isChildOf({ parent }: State, { workflow, id, op, seed }: Parent): boolean {
  return parent !== undefined && parent.workflow === workflow && parent.id === id && parent.op === op && parent.seed === seed;
}

/** Whether a wait of the run is open for events of a type. */
function waitsFor({ pending, ops }: State, type: string): boolean {
  for (const n of pending) if (ops[n]?.kind === "wait" && ops[n].type === type) return true;
  return false;
}

/** Goes on at once when there is nothing to wait for: a thousand requests of one task share a commit. */
function then<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
