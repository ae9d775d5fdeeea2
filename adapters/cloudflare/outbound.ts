/**
 * A guest's requests, made by the host: what the guest says of them is checked, and what comes back is bounded.
 *
 * @module
 */
import { quote } from "../../core/errors.ts";
import { isHeaderValue, isToken, type RequestAnswer, type SentRequest } from "./wire.ts";

/** Whatever has a `fetch` of requests: a stub of an entrypoint, a service. */
export interface Fetcher {
  /** Answers a request. */
  fetch(request: Request): Promise<Response> | Response;
}

/**
 * Makes a request of what a guest sent, gives it to a fetcher and reads the answer.
 *
 * @param most longest body of the answer, bytes
 * @throws what is to be told to the guest, by name and message
 */
export async function fetchThrough(fetcher: Fetcher, args: readonly unknown[], { most, signal }: { readonly most: number; readonly signal: AbortSignal }): Promise<RequestAnswer> {
  const { url, method, headers, body, redirect } = requestOf(args[0]);
  const response = await fetcher.fetch(new Request(url, { method, headers, body: body as Uint8Array<ArrayBuffer> | null, redirect: redirect as RequestRedirect, signal }));
  if (!isResponse(response)) throw new TypeError(`Cannot fetch ${quote(url)}: what answers for it gave no Response`);
  const { status, statusText } = response;
  if (status < 200) throw new TypeError(`Cannot fetch ${quote(url)}: an answer with the status ${status} cannot be passed on`);
  return { status, statusText, headers: [...response.headers], body: await bodyOf(response, url, { most, signal }), url: response.url ?? "", redirected: response.redirected === true };
}

/** It comes from a tenant: whatever is no request is refused, and so is what would reach more than the network. */
function requestOf(sent: unknown): SentRequest {
  const { url, method, headers, body, redirect } = (typeof sent === "object" && sent !== null ? sent : {}) as Record<string, unknown>;
  const pairs = Array.isArray(headers) && headers.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string"));
  if (typeof url !== "string" || typeof method !== "string" || !pairs || !(body === null || body instanceof Uint8Array) || !["follow", "manual", "error"].includes(redirect as string)) {
    throw new TypeError("Cannot fetch: what is sent is no request");
  }
  // what runtimes agree on is checked here, because they do not agree on all of it
  const { protocol, username, password } = URL.canParse(url) ? new URL(url) : { protocol: "", username: "", password: "" };
  if (!/^https?:$/.test(protocol)) throw new TypeError(`Cannot fetch ${quote(url)}: its protocol is neither http nor https`);
  if (username !== "" || password !== "") throw new TypeError(`Cannot fetch ${quote(url)}: it has credentials`);
  if (!isToken(method) || /^(connect|trace|track)$/i.test(method)) throw new TypeError(`Cannot fetch ${quote(url)}: its method is none`);
  if (body !== null && /^(get|head)$/i.test(method)) throw new TypeError(`Cannot fetch ${quote(url)}: a ${method} request has no body`);
  for (const [name, value] of headers as [string, string][]) if (!isToken(name) || !isHeaderValue(value)) throw new TypeError(`Cannot fetch ${quote(url)}: a header of it is none`);
  return sent as SentRequest;
}

function isResponse(value: unknown): value is Response {
  const given = value as Partial<Response> | null | undefined;
  return typeof given === "object" && given !== null && typeof given.status === "number" && typeof given.arrayBuffer === "function" && typeof given.headers?.get === "function";
}

/** Reads a body as far as it may go, and as long. */
async function bodyOf(response: Response, url: string, { most, signal }: { readonly most: number; readonly signal: AbortSignal }): Promise<Uint8Array | null> {
  const tooLarge = (): RangeError => new RangeError(`Cannot fetch ${quote(url)}: the body of the answer has more than ${most} bytes`);
  const reader = response.body?.getReader();
  if (reader === undefined) return null;
  const cancel = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > most) {
      cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
  signal.removeEventListener("abort", cancel);
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
