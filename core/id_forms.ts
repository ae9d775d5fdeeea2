/**
 * What ids and names may look like. Pure, and safe where a tenant has changed what it could: guests ask, too.
 *
 * @module
 */
const { apply } = Reflect;
const { exec } = RegExp.prototype;

const INSTANCE_ID = /^[a-zA-Z0-9_][a-zA-Z0-9-_]*$/;
/** What Cloudflare keeps for itself: words of its paths, and hashes. */
const RESERVED_ID = /^(batch|terminate|terminateAll|cf_[0-9a-f]{64})$/;
const WORKFLOW_NAME = /^[a-zA-Z0-9_$][a-zA-Z0-9_$-]*$/;

function is(form: RegExp, text: unknown, most: number): text is string {
  return typeof text === "string" && text.length <= most && apply(exec, form, [text]) !== null;
}

/** Whether it can be given to an instance: letters, digits, `_`, `-`, at most 100, not starting with `-`, none that Cloudflare reserves. */
export function isInstanceId(id: unknown): id is string {
  return is(INSTANCE_ID, id, 100) && apply(exec, RESERVED_ID, [id]) === null;
}

/** Whether it is the name of a class, at most 64 characters. */
export function isWorkflowName(name: unknown): name is string {
  return is(WORKFLOW_NAME, name, 64);
}
