/**
 * What `import … from "cloudflare:workflows"` means off Cloudflare.
 *
 * @module
 */
export { NonRetryableError } from "../../core/entrypoint.ts";
