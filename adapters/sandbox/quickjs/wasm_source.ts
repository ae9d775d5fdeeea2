/**
 * The default build of QuickJS, as npm installs it.
 *
 * @module
 */
import variant from "@jitl/quickjs-wasmfile-release-sync";
import type { QuickJSVariant } from "./ffi.ts";

/** The default variant. */
export const DEFAULT_VARIANT: QuickJSVariant = variant as unknown as QuickJSVariant;

/** Its binary, found where the package lies. */
export function defaultWasm(): Promise<Uint8Array> {
  return readWasmFile(new URL(import.meta.resolve("@jitl/quickjs-wasmfile-release-sync/wasm")));
}

/** Reads a binary; Node's `fetch` does not read files. */
export async function readWasmFile(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:") {
    // only where there are files: workerd has none, and no such module
    const { readFileUrl } = await import("./node_file.ts");
    return readFileUrl(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Cannot load the WebAssembly of QuickJS from "${url.href}": ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
