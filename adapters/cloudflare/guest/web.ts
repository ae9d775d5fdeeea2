/**
 * The Web APIs that a guest's engine lacks.
 *
 * @module
 */
import { URL, URLSearchParams } from "whatwg-url-minimum";
import { GuestRequest, GuestResponse } from "./body.ts";
import { makeSubtle } from "./digest.ts";
import { GuestDOMException } from "./dom_exception.ts";
import { makeFetch, type Send } from "./fetch.ts";
import { GuestHeaders } from "./headers.ts";

const NO_NETWORK =
  "This worker is not permitted to access the internet via global functions like fetch(). It must use capabilities (such as bindings in 'env') to talk to the outside world.";

let outbound: Send | undefined;

/** Says what the global `fetch` reaches; in a guest of its own there is one run. */
export function grantNetwork(send: Send | undefined): void {
  outbound = send;
}

/** Defines them, but for those that are there: where there is no wall, the host's own are. */
export function defineWebApis(): void {
  const classes = { DOMException: GuestDOMException, Headers: GuestHeaders, Request: GuestRequest, Response: GuestResponse, URL, URLSearchParams };
  const walled = !("Response" in globalThis);
  for (const [name, value] of Object.entries(classes)) {
    if (name in globalThis) continue;
    Object.defineProperty(value, "name", { value: name, configurable: true });
    define(globalThis, name, value);
  }
  if (!walled) return;
  const { fetch } = {
    fetch: makeFetch(() => {
      if (outbound === undefined) throw new Error(NO_NETWORK);
      return outbound;
    }),
  };
  define(globalThis, "fetch", fetch);
  define(globalThis, "self", globalThis);
  define(globalThis, "crypto", Object.freeze({ ...globalThis.crypto, subtle: makeSubtle() }));
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
