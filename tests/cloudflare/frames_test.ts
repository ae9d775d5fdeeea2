import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { commandFor, deliveryOf, layerOf, LOADER, MAX_LAYERS, ownerOf } from "../../adapters/cloudflare/layer_frames.ts";
import { frame, parseFrame } from "../../core/frame.ts";

function sent(layer: number, header: object, value?: string): unknown {
  const command = commandFor(layer, frame(header, value));
  return command === undefined ? undefined : parseFrame(command.frame)?.header;
}

describe("commands of a layer", () => {
  it("have the layer in their numbers, and come back to it with its own", () => {
    for (let layer = 0; layer < MAX_LAYERS; layer++) {
      const header = sent(layer, { c: "do", id: 7, in: 0, rollback: 8, name: "a" }) as { id: number; rollback: number; in: number };
      assertEquals([header.in, layerOf(header.id), layerOf(header.rollback)], [0, layer, layer]);
      assertEquals(parseFrame(deliveryOf({ d: "settle", id: header.id, ok: true }, "j1").text), { header: { d: "settle", id: 7, ok: true }, value: "j1" });
      const inner = sent(layer, { c: "sleep", id: 9, in: 7, name: "b", ms: 1 }) as { in: number };
      assertEquals(inner.in, header.id);
    }
  });

  it("keep their values to the letter", () => {
    assertEquals(parseFrame(commandFor(1, frame({ c: "done", id: 1, attempt: 1, ok: true }, 'j"\\u2028\n"'))?.frame ?? "")?.value, 'j"\\u2028\n"');
  });

  it("are dropped when they are none, whatever a tenant has sent", () => {
    for (const text of ["", "no json", "null", "1", "[]\n", '{"c":"do","id":-1,"in":0}', '{"c":"do","id":1.5,"in":0}', '{"c":"do","id":"1","in":0}', '{"c":"do","id":9007199254740991,"in":0}', '{"c":"log","in":{}}', '{"c":"do","id":1,"in":0,"rollback":0}']) {
      const command = commandFor(1, text);
      // an array has no fields: the engine drops it
      assertEquals(command === undefined || parseFrame(command.frame)?.header !== undefined && text.startsWith("[]"), true, text);
    }
  });

  it("cannot name the binding of the engine, or of another layer", () => {
    const named = (layer: number, target: unknown) => (sent(layer, { c: "call", id: 1, in: 0, target, method: "m" }) as { target: string }).target;
    assertEquals(named(0, LOADER), LOADER);
    for (const target of [LOADER, "2/WORKFLOWS", "1/WORKFLOWS", "/", ":", 1, null, undefined, {}]) {
      assertEquals(named(1, target), "");
      assertEquals(named(3, target), "3/");
    }
    assertEquals(named(1, "WORKFLOWS"), "WORKFLOWS");
    assertEquals(ownerOf(named(1, "WORKFLOWS")), { number: 1, name: "WORKFLOWS" });
    assertEquals(ownerOf(named(3, "WORKFLOWS")), { number: 3, name: "WORKFLOWS" });
  });
});
