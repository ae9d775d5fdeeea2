/**
 * Which specifiers mean what off Cloudflare.
 *
 * @module
 */

/** As it stands in the sources, or as it was built. */
const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const bridge = new URL(`../../cloudflare${ending}`, import.meta.url).href;

/** Addresses of modules by the specifiers that lead to them. */
export const SPECIFIERS: Readonly<Record<string, string>> = Object.freeze({
  "cloudflare:workers": new URL(`../workers${ending}`, import.meta.url).href,
  "cloudflare:workflows": new URL(`../workflows${ending}`, import.meta.url).href,
  "dynamic-workflows": bridge,
  "@cloudflare/dynamic-workflows": bridge,
});
