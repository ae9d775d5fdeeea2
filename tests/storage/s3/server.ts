/**
 * A server of the S3 protocol in memory: puts with conditions, lists in pages, and everything that can go wrong between
 * a client and a bucket. No package of npm keeps `If-None-Match`, so that a real one is not to be had here.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** What a request meets. */
export type Fate =
  | "ok"
  /** Is refused before anything is done. */
  | 403
  | 409
  | 500
  | 503
  /** Is done, and the answer is never sent. */
  | "unanswered"
  /** Is done, and the connection breaks. */
  | "broken"
  /** Never arrives. */
  | "lost"
  /** Is done when the test says so. */
  | Promise<void>;

/** A server that runs. */
export interface S3Server {
  /** The bucket. */
  readonly url: string;
  /** What is in it. */
  readonly objects: Map<string, Uint8Array>;
  /** Lists that were asked for. */
  lists: number;
  /** What a request meets; asked for each. */
  fate: (method: string, key: string) => Fate;
  /** Told of a request that will not be answered. */
  silent: (key: string) => void;
  /** Whether conditions are kept. */
  conditions: boolean;
  /** Stops it. */
  stop(): Promise<void>;
}

/** Keys of a page of a list: few, so that all lists have several. */
const PAGE = 3;

/** Starts one with an empty bucket. */
export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, Uint8Array>();
  const server: S3Server = { url: "", objects, lists: 0, fate: () => "ok", silent: () => {}, conditions: true, stop };
  const open = new Set<ServerResponse>();

  const listening = createServer((request, response) => {
    open.add(response);
    response.on("close", () => open.delete(response));
    answer(request, response).catch((error) => response.destroy(error as Error));
  });
  await new Promise<void>((done) => listening.listen(0, "127.0.0.1", done));
  const { port } = listening.address() as { port: number };

  async function stop(): Promise<void> {
    for (const response of open) response.destroy();
    listening.closeAllConnections();
    await new Promise((done) => listening.close(done));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", server.url);
    const [, bucket, ...rest] = pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    const method = request.method ?? "";
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
    chunks.reduce((at, chunk) => (body.set(chunk, at), at + chunk.length), 0);
    const send = (status: number, content: Uint8Array | string = ""): void => void response.writeHead(status).end(content);
    const fail = (status: number, code: string): void => send(status, `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);

    const fate = server.fate(method, key);
    if (typeof fate === "number") return fail(fate, "Refused");
    if (fate === "lost") return server.silent(key);
    if (fate instanceof Promise) await fate;
    const reply = fate === "unanswered" ? () => server.silent(key) : fate === "broken" ? () => response.destroy() : (go: () => void) => go();

    if (!/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/[\w-]+\/s3\/aws4_request, SignedHeaders=.*host.*, Signature=[0-9a-f]{64}$/.test(request.headers.authorization ?? "")) {
      return fail(403, "AccessDenied");
    }
    if (bucket !== "bucket") return fail(404, "NoSuchBucket");
    if (method === "PUT") {
      if (server.conditions && request.headers["if-none-match"] === "*" && objects.has(key)) return reply(() => fail(412, "PreconditionFailed"));
      objects.set(key, body);
      return reply(() => send(200));
    }
    if (method === "DELETE") {
      objects.delete(key);
      return reply(() => send(204));
    }
    if (key !== "") {
      const found = objects.get(key);
      return reply(() => found === undefined ? fail(404, "NoSuchKey") : send(200, found));
    }
    server.lists++;
    const prefix = searchParams.get("prefix") ?? "";
    const after = searchParams.get("continuation-token") ?? "";
    const names = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    const behind = names.filter((name) => after === "" || `<&${name}` > after);
    const page = behind.slice(0, PAGE);
    const truncated = behind.length > PAGE;
    // A token is nobody's business: this one needs its entities read.
    const token = truncated ? `<NextContinuationToken>&lt;&#38;${page.at(-1)}</NextContinuationToken>` : "";
    const contents = page.map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`).join("");
    const list = `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${truncated}</IsTruncated>${token}${contents}</ListBucketResult>`;
    return reply(() => send(200, `<?xml version="1.0" encoding="UTF-8"?>\n${list}`));
  }

  return Object.assign(server, { url: `http://127.0.0.1:${port}/bucket` });
}
