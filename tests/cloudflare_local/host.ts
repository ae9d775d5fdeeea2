/**
 * Our engine, as a process that can be killed: serves the dispatcher on a port, which it prints.
 *
 *     node --conditions=tenure-source --import adapters/cloudflare/register.ts tests/cloudflare_local/host.ts FILE
 *
 * @module
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { type DispatcherModule, serve } from "../../adapters/cloudflare.ts";
import { quickjs } from "../../adapters/sandbox/quickjs.ts";
import { sqlite } from "../../adapters/storage/sqlite.ts";
import { STEPS, WORKFLOWS } from "./config.ts";

const dispatcher = await import(new URL("dispatcher.js", import.meta.url).href) as DispatcherModule;
const app = await serve(dispatcher, {
  storage: sqlite({ path: process.argv[2] as string }),
  sandbox: quickjs(),
  limits: { steps: STEPS },
  config: {
    name: "dispatcher",
    compatibility_date: "2026-01-01",
    worker_loaders: [{ binding: "LOADER" }],
    workflows: WORKFLOWS,
  },
});

const server = createServer(async (incoming, answer) => {
  const pieces: Uint8Array[] = [];
  for await (const piece of incoming) pieces.push(piece as Uint8Array);
  const { method = "GET", url = "/" } = incoming;
  try {
    const response = await app.fetch(
      new Request(`http://dispatcher.example${url}`, {
        method,
        headers: Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(method !== "GET" && { body: new Blob(pieces as BlobPart[]) }),
      }),
    );
    answer.writeHead(response.status, [...response.headers].flat()).end(new Uint8Array(await response.arrayBuffer()));
  } catch (error) {
    answer.writeHead(500).end(String(error));
  }
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
