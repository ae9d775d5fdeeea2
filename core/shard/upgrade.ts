/**
 * Moving an instance to another version, at its owner: the version is led through the history first, and what was
 * looked at is what moves.
 *
 * Meanwhile the instance is held: bodies that run come to their end in their own version, and nothing new begins. So
 * nobody's body is cut off, and between the look and the move the history does not grow. Should it have grown all the
 * same (a restart, what a turn under way has issued), it is looked at again.
 *
 * @module
 */
import { findVersion, type TenantRecord } from "../code/tenant_record.ts";
import { upgraded } from "../instance/decide/control.ts";
import { isBusy, isEnded, type State } from "../instance/state.ts";
import type { ApplyParts, Decided } from "./apply.ts";
import type { Durable, Live } from "./live.ts";
import { type Look, lost, said } from "./look.ts";
import { notFound, type Outcome, type Request } from "./requests.ts";

/** What upgrades need of their shard, beside what any request does. */
export interface UpgradeParts extends ApplyParts {
  /** Leads a version through a history. */
  readonly look: Look;
  readonly durable: Durable;
}

/** A request to move an instance, or to say whether it could be moved. */
export type UpgradeRequest = Extract<Request, { verb: "upgrade" }>;

/** How long bodies that run are waited for, ms. */
const PATIENCE = 5_000;
/** How often one is looked at whose history grows meanwhile. */
const TRIES = 3;
/** It could not be looked at now. */
export const BUSY: Outcome = said({ is: "skipped", code: "busy", message: "It runs, and did not come to rest in time" });

/** Makes what applies upgrades of one shard. */
export function createUpgrade(parts: UpgradeParts): (request: UpgradeRequest, decided: Decided) => Promise<void> {
  const { clock, opener, lives, tenants, runner } = parts;

  return async function upgrade(request, decided) {
    const tenant = await tenants.get(request.tenant);
    if (request.dryRun) return decided(await lookAt(request, tenant), undefined);
    for (let tries = 1; !await attempt(request, tenant, decided, tries === TRIES); tries++);
  };

  /** Looks at the instance as it stands, whatever runs. */
  async function lookAt(request: UpgradeRequest, tenant: TenantRecord | undefined): Promise<Outcome> {
    const found = await lives.find(request, (live) => {
      const outcome = known(request, live, tenant);
      const copy = outcome === undefined ? structuredClone(live?.state) : undefined;
      if (live !== undefined) lives.release(live);
      return copy === undefined ? outcome ?? notFound(request.id) : { copy, crashed: live?.crashed === true };
    });
    if ("ok" in found) return found;
    return await rehearsed(request, found.copy, found.crashed) ?? said({ is: "moved" });
  }

  /** Looks at the held instance and moves it; false: to be tried again. */
  async function attempt(request: UpgradeRequest, tenant: TenantRecord | undefined, decided: Decided, last: boolean): Promise<boolean> {
    let outcome: Outcome | undefined;
    let mark: string | undefined;
    const held = await lives.find(request, (live) => {
      outcome = known(request, live, tenant);
      if (live === undefined) return undefined;
      if (outcome === undefined && live.held === undefined) return hold(live);
      outcome ??= BUSY;
      return void lives.release(live);
    });
    const state = held?.live.state;
    if (held !== undefined && state !== undefined) {
      if (await held.still(state)) {
        mark = markOf(state);
        outcome = await rehearsed(request, structuredClone(state), held.live.crashed);
      } else outcome = BUSY;
    }
    // what is decided and who is told of it go together: a commit between them would hold the one without the other
    return await lives.find(request, (live) => {
      if (parts.gone()) throw lost();
      outcome ??= move(request, live, mark) ?? (last ? BUSY : undefined);
      if (outcome !== undefined) decided(outcome, lives.peek(request));
      held?.end();
      if (live !== undefined) goesOn(live, held?.live);
      return outcome !== undefined;
    });
  }

  /** What can be said without a look at the history. */
  function known({ id, workflow, version }: UpgradeRequest, live: Live | undefined, tenant: TenantRecord | undefined): Outcome | undefined {
    if (parts.gone()) throw lost();
    const state = live?.state;
    if (state === undefined) return notFound(id);
    if (isEnded(state) || state.version === version) return said({ is: "current" });
    if (state.rollback !== undefined) return said({ is: "skipped", code: "busy", message: "It rolls back" });
    const has = opener.registered(workflow) === version || findVersion(tenant, version)?.classes.includes(workflow) === true;
    return has ? undefined : said({ is: "skipped", code: "workflow_not_found", message: `The version exports no class "${workflow}"` });
  }

  /** Leads the version through a history, a copy; `undefined`: it keeps to it. */
  async function rehearsed({ version, tenant, workflow, id }: UpgradeRequest, state: State, crashed: boolean): Promise<Outcome | undefined> {
    // what took its process with it is counted, and the count is durable, before any of its code runs (I23)
    if (crashed) await parts.durable(tenant);
    return parts.look({ tenant, workflow, id }, version, state);
  }

  /** Moves what was looked at; `undefined`: it has changed since. */
  function move({ id, version, tenant }: UpgradeRequest, live: Live | undefined, mark: string | undefined): Outcome | undefined {
    const state = live?.state;
    if (live === undefined || state === undefined) return notFound(id);
    if (isEnded(state)) return said({ is: "current" });
    if (isBusy(state) || markOf(state) !== mark) return undefined;
    lives.append(live, upgraded(state, version, parts.facts(tenant)));
    // the head names the version, and nothing else of it may have changed
    live.shown = undefined;
    runner.end(live);
    return said({ is: "moved" });
  }

  /** It goes on, in whatever version; one that was not held has not stopped. */
  function goesOn(live: Live, held: Live | undefined): void {
    if (live === held) runner.proceed(live);
    else lives.release(live);
  }

  /** Nothing new begins in it until `end`. */
  function hold(live: Live): { readonly live: Live; still(state: State): Promise<boolean>; end(): void } {
    let changed = (): void => {};
    live.held = () => changed();
    return {
      live,
      async still(state) {
        let late = false;
        const stop = clock.setTimer(PATIENCE, () => {
          late = true;
          changed();
        });
        while (isBusy(state) && !isEnded(state) && !late && !parts.gone() && lives.current(live)) {
          await new Promise<void>((done) => changed = done);
        }
        stop();
        return !late;
      },
      end() {
        live.held = undefined;
      },
    };
  }
}

/** What of a history the look at it depends on: not its events, which change nothing before they are received. */
function markOf({ life, version, ops, settlements }: State): string {
  return `${life} ${version} ${ops.length} ${settlements.length}`;
}

