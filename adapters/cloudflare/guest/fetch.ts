/**
 * `fetch` in a guest: a call of the host, which has the network that is granted, or an entrypoint of the dispatcher's.
 *
 * @module
 */
import type { RequestAnswer, SentRequest } from "../wire.ts";
import { cameFrom, GuestRequest, GuestResponse, isEmpty } from "./body.ts";

/** Sends a request. */
export type Send = (request: SentRequest) => Promise<unknown>;

/** As the global one. */
export type Fetch = (input: Request | string, options?: RequestInit) => Promise<Response>;

/** Makes a `fetch`. */
export function makeFetch(send: () => Send): Fetch {
  return async (input, options) => {
    const request = new Request(input, options);
    const { url, method, redirect, signal } = request;
    signal.throwIfAborted();
    const call = send();
    const body = await bytesOf(request, Infinity);
    signal.throwIfAborted();
    const answer = await orAborted(call({ url, method, headers: [...request.headers], body, redirect }), signal) as RequestAnswer;
    const { status, statusText, headers } = answer;
    const response = new Response(answer.body as Uint8Array<ArrayBuffer> | null, { status, statusText, headers });
    return cameFrom(response, answer.url === "" ? url : answer.url, answer.redirected);
  };
}

/** The body as it crosses. Where there is no wall, requests and responses are the host's own. */
async function bytesOf(of: Request | Response, most: number): Promise<Uint8Array | null> {
  const own: unknown = of;
  if (!(own instanceof GuestRequest || own instanceof GuestResponse)) return of.body === null ? null : new Uint8Array(await of.arrayBuffer());
  return isEmpty(own) ? null : await own.bytes(most);
}

/** What is to be sent of a response: whole, because an answer is one message. */
export async function answerOf(response: Response, most: number): Promise<RequestAnswer> {
  const { status, statusText, headers, url, redirected } = response;
  return { status, statusText, headers: [...headers], body: await bytesOf(response, most), url, redirected };
}

function orAborted(answer: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    answer.then(resolve, reject);
  });
}
