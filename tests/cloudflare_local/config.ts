/** What both engines are configured with. */

/** Bindings of workflows, as in a wrangler config. */
export const WORKFLOWS = [
  { binding: "WORKFLOWS", name: "dynamic-workflow", class_name: "DynamicWorkflow" },
  { binding: "DIRECT", name: "direct-workflow", class_name: "DirectWorkflow" },
] as const;

/** So many steps an instance may have: few, so that a case can reach them. */
export const STEPS = 24;
