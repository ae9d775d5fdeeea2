/**
 * Families: runs of a tenant of its own that start others, which start others. What is committed is held against what may
 * be (I34): a child is made once for its command, and not for a run that is over; what its parent hears is what it came
 * to; a child that is not detached ends with its parent.
 *
 * @module
 */
import type { WorkflowStep } from "../../core/entrypoint.ts";
import type { Parent } from "../../core/instance/records.ts";
import type { InstanceKey, ShardBatch } from "../../core/ports/store.ts";
import { decode } from "../../core/values.ts";
import type { WorkflowInstance } from "../../core/workflow.ts";
import { linesOf } from "./appended.ts";
import { createAsking } from "./asking.ts";
import type { Server } from "./clients.ts";
import { type Ledger, nameOf } from "./ledger.ts";
import type { LifeModel } from "./life_model.ts";
import type { OpModel } from "./op_model.ts";
import type { Plan } from "./plan.ts";
import type { Place } from "./restarts.ts";
import type { Slots } from "./slots.ts";
import type { Chance, World } from "./world.ts";

/** A run of a family: what it is started with. */
export interface Kin {
  readonly path: string;
  /** How long it sleeps when it has heard of its children, ms. */
  readonly ms: number;
  readonly kids: readonly Kin[];
  /** Its parent does not wait for it, and it outlives that. */
  readonly detach: boolean;
  /** It waits for no child. */
  readonly loose: boolean;
  readonly fails: boolean;
  /** It sleeps between its children: each of these sleeps is a step at which it can be begun again. */
  readonly gaps: boolean;
}

/** What they are made of. */
export interface FamiliesParts {
  readonly world: World;
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Who takes requests now. */
  readonly slots: Slots;
}

/** The families of one simulation. */
export interface Families {
  /** The books, which hear of all that is committed, too. */
  readonly ledger: Ledger;
  start(): void;
  /** Nobody does anything to them any more: they come to their end. */
  end(): void;
  busy(): boolean;
  describe(): string;
  /** Compares what parents were told with what their children came to. */
  check(): void;
}

const TENANT = "kin";
/** Longer than any simulation: only the end of its parent ends it. */
const FOR_EVER = 1e9;
/** What may stand in the way of a verb: another one that came first. */
const REFUSED = /^(instance\.|quota_exceeded|invalid_argument)/;

/** Whether an instance is one of a family. */
export function isKin({ tenant }: InstanceKey): boolean {
  return tenant === TENANT;
}

/** The run of one, as its author would write it. */
export async function runKin(kin: Kin, step: WorkflowStep): Promise<unknown> {
  const told: Promise<unknown>[] = [];
  for (const [n, kid] of kin.kids.entries()) {
    if (kin.gaps && n > 0) await step.sleep(`gap ${n}`, 1);
    const options = { workflow: "Flow", params: { family: kid } };
    const child = kid.detach ? step.invoke?.(kid.path, { ...options, detach: true }) : step.invoke?.(kid.path, options);
    told.push(Promise.resolve(child).then((value: unknown) => kid.detach ? "away" : value, (error: Error) => `x ${error.message}`));
  }
  const got = kin.loose ? [] : await Promise.all(told);
  await step.sleep("s", kin.ms);
  if (kin.fails) throw new Error(`boom ${kin.path}`);
  return { path: kin.path, got };
}

function kinOf(r: Chance, path: string, depth: number, waited: boolean): Kin {
  const loose = r.once(4), detach = depth < 2 && r.once(5);
  // nobody ends one that is detached: it has to come to its end by itself
  const has = depth === 0 ? 0 : r.int(4), heard = (waited || detach) && !loose;
  const kids = Array.from({ length: has }, (_, n) => kinOf(r, `${path}.${n}`, depth - 1, heard));
  return { path, ms: !waited && !detach && r.once(2) ? FOR_EVER : r.pick([0, 5, 200]), kids, detach, loose, fails: r.once(5), gaps: r.once(2) };
}

/** Makes the families of a seed. */
export function createFamilies({ world, plan, ledger, slots }: FamiliesParts): Families {
  const r = world.stream(9);
  const active = r.once(plan.large ? 4 : 12);
  /** By whom an instance was started. */
  const parents = new Map<string, Parent>();
  const started = new Map<string, string>();
  const { ask, pending } = createAsking({ who: "families", world, chance: r, slots, refused: REFUSED });
  let ending = false;

  function flows({ tenure }: Server): ReturnType<ReturnType<Server["tenure"]["tenant"]>["workflow"]> {
    return tenure.tenant(TENANT).workflow("Flow");
  }

  /** Something happens to one of those that there are. */
  function meddle(): void {
    const all = [...ledger.instances.values()].filter(({ key }) => isKin(key));
    if (ending || all.length === 0) return;
    const { key, life } = r.pick(all);
    const { id } = key;
    const verb = r.pick(["terminate", "restart", "rewind", "rewind", "delete", "pause", "resume"] as const);
    const sleeps = life.ops.filter(({ kind }) => kind === "sleep");
    if (verb === "rewind" && sleeps.length === 0) return;
    const place = (sleeps.length === 0 ? { kind: "sleep", name: "", count: 1 } : r.pick(sleeps)) as Place;
    if (verb === "delete") ledger.asked(key, "delete");
    if (verb === "rewind") ledger.asked(key, place);
    const acts: Record<typeof verb, (one: WorkflowInstance) => Promise<void>> = {
      terminate: (one) => one.terminate({ rollback: r.once(2) }),
      restart: (one) => one.restart(),
      rewind: (one) => one.restart({ from: { name: place.name, count: place.count, type: "sleep" } }),
      delete: (one) => one.delete(),
      pause: (one) => one.pause(),
      resume: (one) => one.resume(),
    };
    ask(`${verb} ${id}`, async (server) => acts[verb](await flows(server).get(id)));
  }

  /** What was parked or paused goes on, in a version that there still is. */
  function goOn(): void {
    for (const { key, head, life } of ledger.instances.values()) {
      if (!isKin(key) || pending() > 0) continue;
      // whoever begins one anew whose parent is over has to end it, too
      if (head.status === "waiting" && life.life > 1) ask(`terminate ${key.id}`, async (server) => await (await flows(server).get(key.id)).terminate());
      if (head.status !== "paused") continue;
      ask(`resume ${key.id}`, async (server) => {
        await server.tenure.tenant(TENANT).upgrade(`host:${server.version}`);
        await (await flows(server).get(key.id)).resume();
      });
    }
    if (busy()) world.at(1_000, goOn);
  }

  function busy(): boolean {
    if (!active) return false;
    if (!ending || pending() > 0) return true;
    return [...ledger.instances.values()].some(({ key, life }) => isKin(key) && life.ended === null);
  }

  function before({ appends }: ShardBatch): void {
    for (const append of appends) {
      const { key } = append;
      if (!isKin(key)) continue;
      for (const { record: { head } } of linesOf(append)) {
        if (head.k !== "created" || head.parent === undefined) continue;
        const { id, op, seed } = head.parent;
        const command = `${id} ${seed} ${op}`;
        const other = started.get(command);
        // a life that is begun again behind what it has kept starts others
        const again = ledger.livesOf({ ...key, id }).some(({ from }) => from !== undefined);
        if (other !== undefined && other !== key.id && !again) world.fail("I34", `${id} has started ${other} and ${key.id} by one command`);
        started.set(command, key.id);
        parents.set(key.id, head.parent);
        if (!ledger.livesOf({ ...key, id }).some((life) => life.seed === seed && life.ops[op]?.child?.id === key.id)) {
          world.fail("I34", `${key.id} is there, and nobody has started it`);
        }
      }
    }
  }

  function checkTold(life: LifeModel, op: OpModel, child: { readonly id: string; readonly detached?: true }): void {
    const { settled } = op;
    if (settled === undefined || op.refused || child.detached === true) return;
    const lives = ledger.livesOf({ tenant: TENANT, workflow: "Flow", id: child.id });
    const where = `life ${life.life} was told of ${child.id}`;
    if (settled.ok) {
      const fits = lives.some(({ phase, records }) => phase === "complete" && records.at(-1)?.value === settled.value);
      if (!fits) world.fail("I34", `${where} what it never returned: ${settled.value}`);
      return;
    }
    const { message } = decode(settled.value ?? "u") as Error;
    // it could not be started: a limit
    if (message.startsWith("Cannot ") || message.startsWith("(instance.")) return;
    const fits = lives.some(({ phase, records, droppedBy }) => {
      const last = records.at(-1)?.head;
      if (message === `The child "${child.id}" was terminated`) return phase === "terminated";
      if (message === `The child "${child.id}" was deleted`) return droppedBy !== undefined;
      return last?.k === "errored" && last.error?.message === message;
    });
    if (!fits) world.fail("I34", `${where} an error that it never had: ${message}`);
  }

  return {
    ledger: {
      ...ledger,
      committed(batches, answer, by) {
        if (answer === "ok") batches.forEach(before);
        ledger.committed(batches, answer, by);
      },
    },
    start() {
      if (!active) return;
      for (let n = r.between(1, plan.large ? 2 : 1); n > 0; n--) {
        const root = kinOf(r, `k${n}`, 2, true);
        // one that comes later would be looked after by nobody
        world.at(r.int(plan.span), () => ending ? undefined : ask(`create ${root.path}`, (server) => flows(server).create({ id: root.path, params: { family: root } })));
      }
      for (let n = r.int(plan.large ? 6 : 3); n > 0; n--) world.at(r.int(plan.span), meddle);
    },
    end() {
      if (!active) return;
      ending = true;
      goOn();
    },
    busy,
    describe() {
      const left = [...ledger.instances.values()].filter(({ key, life }) => isKin(key) && life.ended === null);
      return `${pending()} calls of families, ${left.map(({ key, head }) => `${nameOf(key)} ${head.status} of ${parents.get(key.id)?.id ?? "nobody"}`).join(", ")}`;
    },
    check() {
      for (const { key } of ledger.instances.values()) {
        if (!isKin(key)) continue;
        for (const life of ledger.livesOf(key)) {
          for (const op of life.ops) {
            if (op.child !== undefined) checkTold(life, op, op.child);
          }
        }
      }
    },
  };
}
