/**
 * Reads what the adapter has to know about a WebAssembly binary: its imports by type, its globals, where its data lies.
 *
 * Refuses what it does not understand: a binary that is read wrongly would be hooked and reset wrongly.
 *
 * @module
 */

/** Where one section lies. */
export interface WasmSection {
  readonly id: number;
  /** Offset of the id; behind it the length, then the content from `start` to `end`. */
  readonly header: number;
  readonly start: number;
  readonly end: number;
}

/** An imported function. */
export interface WasmImport {
  readonly module: string;
  readonly name: string;
  /** As `i32,i64->f64`. */
  readonly type: string;
}

/** A global that the binary defines itself. */
export interface WasmGlobal {
  /** Its index among all globals, imported ones first. */
  readonly index: number;
  readonly mutable: boolean;
  /** What it starts with; `undefined` when that is no constant of type i32. */
  readonly initial: number | undefined;
}

/** Bytes that are copied into the memory before anything runs. */
export interface WasmData {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A binary, read. */
export interface WasmBinary {
  readonly bytes: Uint8Array;
  readonly sections: readonly WasmSection[];
  readonly imports: readonly WasmImport[];
  readonly globals: readonly WasmGlobal[];
  readonly data: readonly WasmData[];
}

/** Ids of the sections that matter here. */
export const SECTION = { type: 1, import: 2, global: 6, export: 7, data: 11 } as const;

const VALUE_TYPES: Readonly<Record<number, string>> = { 0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64" };

/** Reads a binary. Throws when it is none, or has a form that is not known here. */
export function readWasm(bytes: Uint8Array): WasmBinary {
  const reader = new WasmReader(bytes);
  if (reader.u32() !== 0x6d736100 || reader.u32() !== 1) {
    throw new Error("Cannot read the WebAssembly: not a binary of version 1");
  }
  const sections: WasmSection[] = [];
  while (reader.at < bytes.length) {
    const header = reader.at, id = reader.byte(), length = reader.leb();
    sections.push({ id, header, start: reader.at, end: reader.at + length });
    reader.at += length;
  }
  if (reader.at !== bytes.length) throw new Error("Cannot read the WebAssembly: it is cut off");
  const read = <T>(id: number, item: (reader: WasmReader) => T): T[] => {
    const section = sections.find((section) => section.id === id);
    if (section === undefined) return [];
    reader.at = section.start;
    return Array.from({ length: reader.leb() }, () => item(reader));
  };
  const types = read(SECTION.type, functionType);
  const entries = read(SECTION.import, (r) => importEntry(r, types));
  const importedGlobals = entries.filter(({ kind }) => kind === 3).length;
  let index = importedGlobals;
  return {
    bytes,
    sections,
    imports: entries.filter(({ kind }) => kind === 0),
    globals: read(SECTION.global, (r) => ({ index: index++, ...globalEntry(r) })),
    data: read(SECTION.data, dataEntry).filter((entry) => entry !== undefined),
  };
}

/** A cursor in a binary. */
export class WasmReader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  at: number = 0;
  /** Starts at the first byte. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  /** One byte. */
  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error("Cannot read the WebAssembly: it is cut off");
    return byte;
  }
  /** Four bytes, little endian. */
  u32(): number {
    return (this.byte() | this.byte() << 8 | this.byte() << 16 | this.byte() << 24) >>> 0;
  }
  /** An unsigned LEB128 number below 2^53. */
  leb(): number {
    let value = 0, scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }
  /** A signed LEB128 number of 32 bits. */
  signed(): number {
    let value = 0, shift = 0;
    for (;;) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) return shift < 32 && (byte & 64) !== 0 ? value | -1 << shift : value;
    }
  }
  /** A name. */
  name(): string {
    const length = this.leb();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
}

function functionType(reader: WasmReader): string {
  if (reader.byte() !== 0x60) throw new Error("Cannot read the WebAssembly: a type that is not a function's");
  const list = (): string => Array.from({ length: reader.leb() }, () => VALUE_TYPES[reader.byte()] ?? "other").join();
  const parameters = list();
  return `${parameters}->${list()}`;
}

function importEntry(reader: WasmReader, types: readonly string[]): WasmImport & { readonly kind: number } {
  const module = reader.name(), name = reader.name(), kind = reader.byte();
  if (kind === 0) return { module, name, kind, type: types[reader.leb()] ?? "unknown" };
  if (kind === 3) reader.at += 2;
  else if (kind === 1 || kind === 2) {
    if (kind === 1) reader.byte();
    const hasMaximum = (reader.byte() & 1) !== 0;
    reader.leb();
    if (hasMaximum) reader.leb();
  } else throw new Error(`Cannot read the WebAssembly: an import of kind ${kind}`);
  return { module, name, kind, type: "" };
}

function globalEntry(reader: WasmReader): Omit<WasmGlobal, "index"> {
  reader.byte();
  const mutable = reader.byte() === 1;
  return { mutable, initial: constant(reader) };
}

function constant(reader: WasmReader): number | undefined {
  const opcode = reader.byte();
  let value: number | undefined;
  if (opcode === 0x41) value = reader.signed();
  else if (opcode === 0x43) reader.at += 4;
  else if (opcode === 0x44) reader.at += 8;
  else reader.leb();
  if (reader.byte() !== 0x0b) throw new Error("Cannot read the WebAssembly: an initial value that is computed");
  return value;
}

function dataEntry(reader: WasmReader): WasmData | undefined {
  const form = reader.leb();
  if (form === 2) reader.leb();
  const offset = form === 1 ? undefined : constant(reader);
  const length = reader.leb();
  reader.at += length;
  return offset === undefined ? undefined : { offset, bytes: reader.bytes.subarray(reader.at - length, reader.at) };
}
