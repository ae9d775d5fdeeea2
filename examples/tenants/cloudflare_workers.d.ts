/**
 * What tenants import, for the type checker: the engine gives these modules to their code itself.
 */
declare module "cloudflare:workers" {
  export { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "tenure";
}
