/**
 * Restarting an instance at a step, at its owner: the journal is read up to there, and the new life begins with it.
 *
 * @module
 */
import { opAt, restartedAt } from "../instance/decide/restart.ts";
import { upgraded } from "../instance/decide/control.ts";
import { stateOf } from "../instance/evolve.ts";
import { eachRecord, type Record, writeRecord } from "../instance/records.ts";
import type { Op, State } from "../instance/state.ts";
import type { TenantRecord } from "../code/tenant_record.ts";
import type { Store } from "../ports/store.ts";
import type { ApplyParts, Decided } from "./apply.ts";
import type { Durable, Live } from "./live.ts";
import { type Look, lost } from "./look.ts";
import { notFound, type Outcome, refused, type Request, type Verdict } from "./requests.ts";

/** A restart at a step. */
export type RestartAt = Extract<Request, { verb: "restart" }> & { readonly from: object };

/** What it needs of its shard, beside what any request does. */
export interface RestartParts extends Pick<ApplyParts, "lives" | "tenants" | "facts" | "gone"> {
  readonly shard: number;
  readonly store: Store;
  /** The newest format that is read. */
  readonly newest: number;
  readonly durable: Durable;
  /** Leads a version through a history. */
  readonly look: Look;
}

/** Decides about a new life, in one task with all that it depends on. */
export interface Births {
  /** Begins a life with these records in place of another. */
  bear(live: Live, records: readonly Record[]): Outcome;
  /** The version that was asked for, or why it cannot be had. */
  versionFor(workflow: string, tenant: TenantRecord | undefined, asked: string): string | Outcome;
}

/** Makes what applies restarts at a step. */
export function createRestart(parts: RestartParts): (request: RestartAt, births: Births, decided: Decided) => Promise<void> {
  const { lives, store, shard } = parts;

  return async function restart(request, births, decided) {
    const { tenant } = request;
    const record = await parts.tenants.get(tenant);
    for (;;) {
      if (parts.gone()) throw lost();
      const found = await lives.find(request, (live) => {
        const at = live?.state === undefined ? notFound(request.id) : place(request, live.state);
        const durable = "ok" in at || (live?.durable ?? 0) >= at.seq;
        const life = live?.state?.life;
        if (live !== undefined) lives.release(live);
        return { at, durable, life };
      });
      if ("ok" in found.at) return decide(request, decided, found.at);
      if (!found.durable) {
        await parts.durable(tenant);
        continue;
      }
      const before = await read(request, found.at.seq);
      const looked = await lookAt(request, before, births, record);
      const done = await lives.find(request, (live) => {
        // what was read is of another life, or gone
        if (live?.state === undefined || live.state.life !== found.life) return false;
        const at = opAt(live.state, request.from) as Op;
        const records = restartedAt(before, live.state, at, parts.facts(tenant));
        if (looked.version !== undefined) records.push(...upgraded(stateOf(records.map(writeRecord)), looked.version, parts.facts(tenant)));
        decide(request, decided, looked.refused ?? births.bear(live, records));
        lives.release(live);
        return true;
      });
      if (done) return;
    }
  };

  function place(request: RestartAt, state: State): Op | Outcome {
    const { name } = request.from;
    return opAt(state, request.from) ??
      refused("instance.cannot_restart", `(instance.cannot_restart) Step "${name}" not found`);
  }

  function decide(request: RestartAt, decided: Decided, outcome: Outcome): void {
    if (parts.gone()) throw lost();
    decided(outcome, lives.peek(request));
  }

  /** The records before one: durable, and the same as long as the life is. */
  async function read(request: RestartAt, seq: number): Promise<Record[]> {
    const image = await store.load(shard, request);
    const before: Record[] = [];
    eachRecord(image?.journal ?? [], (record) => before.length < seq && before.push(record), parts.newest);
    return before;
  }

  /** Whether another version keeps to what is kept. */
  async function lookAt(
    request: RestartAt,
    before: readonly Record[],
    births: Births,
    tenant: TenantRecord | undefined,
  ): Promise<{ readonly version?: string; readonly refused?: Outcome }> {
    const { id, workflow, version } = request;
    if (version === undefined || before.length === 0) return {};
    const has = births.versionFor(workflow, tenant, version);
    if (typeof has !== "string") return { refused: has };
    const state = stateOf(before.map(writeRecord));
    if (state.version === has) return {};
    // what took its process with it is counted, and the count is durable, before any of its code runs (I23)
    await parts.durable(request.tenant);
    const outcome = await parts.look({ tenant: request.tenant, workflow, id }, has, state);
    return outcome === undefined ? { version: has } : { refused: why(id, has, outcome) };
  }
}

function why(id: string, version: string, outcome: Outcome): Outcome {
  const verdict = outcome.ok ? outcome.verdict as Exclude<Verdict, { is: "moved" | "current" }> : outcome;
  return refused("instance.cannot_restart", `(instance.cannot_restart) Cannot restart the instance "${id}" in the version "${version}": ${verdict.message}`);
}
