/**
 * Our types beside Cloudflare's, of the version that package.json pins: compiled by `npm run check`, never run. A
 * function from one to the other holds that each value of the one is a value of the other; `@ts-expect-error` holds that
 * it is not, and fails when it is. docs/parity.md says the same in words.
 *
 * @module
 */
import type * as cloudflare from "@cloudflare/workers-types/index.ts";
import type { CloudflareWorkersModule as workers } from "@cloudflare/workers-types/index.ts";
import type * as bridge from "../../adapters/cloudflare.ts";
import * as tenure from "../../mod.ts";

interface Order {
  readonly sku: number;
  readonly at: Date;
  readonly tags: string[];
}
interface Env {
  readonly SHOP: { price(sku: number): Promise<number> };
}
/** What of ours Cloudflare has, too. */
type Shared<Ours, Theirs> = Pick<Ours, keyof Ours & keyof Theirs>;
type First<F extends (...of: never[]) => unknown> = Exclude<Parameters<F>[0], undefined>;
/** What an event of one type has beside its type. */
type Told<Event, Type> = Extract<Event, { type: Type }>;

/** What a dispatcher or a tenant holds. */
export const held = {
  "our binding can be held as Cloudflare's": (ours: tenure.Workflow<Order, { receipt: string }>): cloudflare.Workflow<Order> => ours,
  "our handle of an instance can be held as Cloudflare's": (ours: tenure.WorkflowInstance<number>): cloudflare.WorkflowInstance => ours,
  "our status is one of Cloudflare's": (ours: tenure.InstanceStatus): cloudflare.InstanceStatus => ours,
  "our status is all that Cloudflare's may be but unknown": (theirs: Exclude<cloudflare.InstanceStatus["status"], "unknown">): tenure.Status => theirs,
  // @ts-expect-error ours has list() and schedules
  "Cloudflare's binding lacks what ours has more": (theirs: cloudflare.Workflow<Order>): tenure.Workflow<Order> => theirs,
  // @ts-expect-error ours has result(), state() and history()
  "Cloudflare's handle lacks what ours has more": (theirs: cloudflare.WorkflowInstance): tenure.WorkflowInstance => theirs,
  "Cloudflare's handle has what both have": (theirs: cloudflare.WorkflowInstance): Omit<Shared<tenure.WorkflowInstance, cloudflare.WorkflowInstance>, "subscribe" | "status"> => theirs,
};

/** What verbs are given: in both directions, because a method's parameters are compared loosely. */
export const given = {
  "create() takes what Cloudflare's takes": (theirs: cloudflare.WorkflowInstanceCreateOptions<Order>): tenure.WorkflowInstanceCreateOptions<Order> => theirs,
  "what both take create() hands on": (
    ours: Omit<Shared<tenure.WorkflowInstanceCreateOptions<Order>, cloudflare.WorkflowInstanceCreateOptions<Order>>, "retention">,
  ): cloudflare.WorkflowInstanceCreateOptions<Order> => ours,
  "createBatch() takes Cloudflare's object forms": (theirs: cloudflare.WorkflowBatchCreateOptions<Order>, ours: tenure.Workflow<Order>): Promise<cloudflare.WorkflowBatchCreateResult> =>
    theirs.instances === undefined ? ours.createBatch(theirs) : ours.createBatch(theirs),
  "restart() takes what Cloudflare's takes": (theirs: cloudflare.WorkflowInstanceRestartOptions): tenure.WorkflowInstanceRestartOptions => theirs,
  "Cloudflare's restart() takes ours but for the version": (ours: Omit<tenure.WorkflowInstanceRestartOptions, "version">): cloudflare.WorkflowInstanceRestartOptions => ours,
  "terminate() takes what Cloudflare's takes": (theirs: cloudflare.WorkflowInstanceTerminateOptions): First<tenure.WorkflowInstance["terminate"]> => theirs,
  "Cloudflare's terminate() takes what ours takes": (ours: First<tenure.WorkflowInstance["terminate"]>): cloudflare.WorkflowInstanceTerminateOptions => ours,
  "sendEvent() takes what Cloudflare's takes": (theirs: First<cloudflare.WorkflowInstance["sendEvent"]>): tenure.WorkflowEventInput => theirs,
  "subscribe() takes what Cloudflare's takes": (theirs: cloudflare.WorkflowInstanceSubscribeOptions): tenure.WorkflowInstanceSubscribeOptions => theirs,
};

/** What subscribe() tells. */
export const told = {
  "our events but for workflow_state are Cloudflare's": (ours: Exclude<tenure.WorkflowInstanceEvent, { type: "workflow_state" }>): cloudflare.WorkflowInstanceEvent => ours,
  // @ts-expect-error workflow_state is ours
  "workflow_state is none of Cloudflare's": (ours: tenure.WorkflowInstanceEvent): cloudflare.WorkflowInstanceEvent => ours,
  "our types of events have all of Cloudflare's": (theirs: cloudflare.WorkflowInstanceEventType): tenure.WorkflowInstanceEventType => theirs,
  "Cloudflare's types of events have all of ours but one": (ours: Exclude<tenure.WorkflowInstanceEventType, "workflow_state">): cloudflare.WorkflowInstanceEventType => ours,
  "Cloudflare's events are ours but for what ours say more": (
    theirs: Exclude<cloudflare.WorkflowInstanceEvent, { type: "step_errored" | "step_started" | "rollback_step_started" }>,
  ): tenure.WorkflowInstanceEvent => theirs,
  // @ts-expect-error our step_errored has the error
  "our step_errored says more": (theirs: Told<cloudflare.WorkflowInstanceEvent, "step_errored">): Told<tenure.WorkflowInstanceEvent, "step_errored"> => theirs,
  // @ts-expect-error the config of our step_started always has a backoff
  "our step_started says more": (theirs: Told<cloudflare.WorkflowInstanceEvent, "step_started">): Told<tenure.WorkflowInstanceEvent, "step_started"> => theirs,
  "our subscription can be held as Cloudflare's": (ours: tenure.WorkflowInstance): Promise<cloudflare.WorkflowInstanceSubscription> => (ours as cloudflare.WorkflowInstance).subscribe(),
};

/** What a workflow's author writes against. */
export const written = {
  "our step is Cloudflare's": (ours: tenure.WorkflowStep): workers.WorkflowStep => ours,
  "Cloudflare's step is ours": (theirs: workers.WorkflowStep): tenure.WorkflowStep => theirs,
  "our event is Cloudflare's": (ours: tenure.WorkflowEvent<Order>): workers.WorkflowEvent<Order> => ours,
  "Cloudflare's event is ours": (theirs: workers.WorkflowEvent<Order>): tenure.WorkflowEvent<Order> => theirs,
  "our step's event is Cloudflare's": (ours: tenure.WorkflowStepEvent<Order>): workers.WorkflowStepEvent<Order> => ours,
  "Cloudflare's step's event is ours": (theirs: workers.WorkflowStepEvent<Order>): tenure.WorkflowStepEvent<Order> => theirs,
  "our config is Cloudflare's": (ours: tenure.WorkflowStepConfig): workers.WorkflowStepConfig => ours,
  "Cloudflare's config is ours": (theirs: workers.WorkflowStepConfig): tenure.WorkflowStepConfig => theirs,
  "our rollback options are Cloudflare's": (ours: tenure.WorkflowStepRollbackOptions<Order>): workers.WorkflowStepRollbackOptions<Order> => ours,
  "Cloudflare's rollback options are ours": (theirs: workers.WorkflowStepRollbackOptions<Order>): tenure.WorkflowStepRollbackOptions<Order> => theirs,
  "our delay function is Cloudflare's": (ours: tenure.WorkflowDelayFunction): workers.WorkflowDelayFunction => ours,
  "Cloudflare's delay function is ours": (theirs: workers.WorkflowDelayFunction): tenure.WorkflowDelayFunction => theirs,
  "our context is Cloudflare's": (ours: tenure.WorkflowCallbackContext): workers.WorkflowStepContext => ours,
  "Cloudflare's context is ours but for the signal": (theirs: workers.WorkflowStepContext): tenure.WorkflowStepContext => theirs,
  // @ts-expect-error a body's context has a signal
  "Cloudflare's context has no signal": (theirs: workers.WorkflowStepContext): tenure.WorkflowCallbackContext => theirs,
};

declare abstract class Theirs extends workers.WorkflowEntrypoint<Env, Order> {
  override run(event: Readonly<workers.WorkflowEvent<Order>>, step: workers.WorkflowStep): Promise<{ receipt: string }>;
}
declare class Ours extends tenure.WorkflowEntrypoint<Env, Order> {
  override run(event: Readonly<tenure.WorkflowEvent<Order>>, step: tenure.WorkflowStep): Promise<{ receipt: string }>;
}

/** Classes: each is branded by who declares it, so what counts is where they are taken. */
export const classes = {
  "a class written against Cloudflare's types is taken": (acme: tenure.Tenant): tenure.Workflow<Readonly<Order>, { receipt: string }> => acme.workflow(Theirs),
  "a class written against ours is taken alike": (acme: tenure.Tenant): tenure.Workflow<Readonly<Order>, { receipt: string }> => acme.workflow(Ours),
  "what a class written against Cloudflare's types is run with fits": (flow: Theirs, event: tenure.WorkflowEvent<Order>, step: tenure.WorkflowStep): Promise<{ receipt: string }> => flow.run(event, step),
  "what a class written against ours is run with fits at Cloudflare's": (flow: Ours, event: workers.WorkflowEvent<Order>, step: workers.WorkflowStep): Promise<{ receipt: string }> => flow.run(event, step),
  // @ts-expect-error Cloudflare brands its classes with a symbol that only its own types have
  "our class has not Cloudflare's brand": (ours: Ours): workers.WorkflowEntrypoint<Env, Order> => ours,
  // @ts-expect-error a protected member makes a class nominal
  "Cloudflare's class does not descend from ours": (theirs: Theirs): tenure.WorkflowEntrypoint<Env, Order> => theirs,
};

/** Code that either side can load: what is in it beyond this is compared field by field. */
type Plain<Code> = Omit<Code, "modules" | "globalOutbound" | "tails" | "streamingTails" | "limits"> & { readonly modules: Record<string, string>; readonly globalOutbound?: null };
/** Both as optional fields, of which a module has one. */
type Kinds = Pick<cloudflare.WorkerLoaderModule, "js" | "text" | "json">;

/** What a dispatcher loads, and what it has of it. */
export const loaded = {
  "our loader takes code that is written for Cloudflare's": (theirs: Plain<cloudflare.WorkerLoaderWorkerCode>, ours: bridge.WorkerLoader): bridge.WorkerStub => ours.get("id", () => theirs),
  "Cloudflare's loader takes code that is written for ours, when it has a date": (
    ours: Omit<Plain<bridge.WorkerCode>, "compatibilityDate" | "compatibilityFlags"> & { readonly compatibilityDate: string; readonly compatibilityFlags?: string[] },
    theirs: cloudflare.WorkerLoader,
  ): cloudflare.WorkerStub => theirs.load(ours),
  "our loader is asked as Cloudflare's is": (ours: Parameters<bridge.WorkerLoader["get"]>[0]): Parameters<cloudflare.WorkerLoader["get"]>[0] => ours,
  "Cloudflare's loader is asked as ours is": (theirs: Parameters<cloudflare.WorkerLoader["get"]>[0]): Parameters<bridge.WorkerLoader["get"]>[0] => theirs,
  "each kind of module of ours is one of Cloudflare's": (ours: Extract<bridge.WorkerModule, Record<"js", unknown> | Record<"text", unknown> | Record<"json", unknown>>): Kinds => ours,
  "our stub is asked for an entrypoint with what Cloudflare's takes": (theirs: Pick<cloudflare.WorkerStubEntrypointOptions, "props">, stub: bridge.WorkerStub): bridge.EntrypointStub => stub.getEntrypoint("Api", theirs),
  "Cloudflare's stub is asked for an entrypoint with what ours takes": (ours: bridge.EntrypointOptions): cloudflare.WorkerStubEntrypointOptions => ours,
  "our limits are Cloudflare's": (ours: bridge.WorkerLimits): cloudflare.workerdResourceLimits => ours,
  // @ts-expect-error there are no sockets
  "our entrypoint has no connect()": (ours: bridge.EntrypointStub): cloudflare.Fetcher => ours,
  // @ts-expect-error ours tells that it has run() and methods, Cloudflare's only when it is told the class
  "Cloudflare's entrypoint tells no run()": (theirs: cloudflare.Fetcher): bridge.EntrypointStub => theirs,
  "our entrypoint is a runner for the bridge": (ours: bridge.EntrypointStub): bridge.WorkflowRunner => ours,
  "a stub of Cloudflare's loader is told to be a runner as its README tells it": (theirs: cloudflare.WorkerStub): bridge.WorkflowRunner => theirs.getEntrypoint("TenantWorkflow") as unknown as bridge.WorkflowRunner,
  "our step is handed on as Cloudflare's is": (theirs: workers.WorkflowStep): bridge.WorkflowStepLike => theirs,
  "an event of Cloudflare's is one that the bridge hands on": (theirs: workers.WorkflowEvent<Order>): bridge.WorkflowEventLike<Order> => theirs,
  "a binding that is wrapped can be held as Cloudflare's": (ours: bridge.BoundWorkflow): cloudflare.Workflow => ours,
};
