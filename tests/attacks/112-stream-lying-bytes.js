// id: stream-lying-bytes
// class: escape
// expect: contained
// idea: chunks that lie about their length, their buffer, their class, and change while they are read
// form: body of `async run(event, step)`; `console` in scope; {escaped:true} = the attack worked
class Liar extends Uint8Array { get length() { return 1 << 30; } get byteLength() { return -1; } get byteOffset() { return 1 << 20; } get buffer() { return new ArrayBuffer(1 << 20); } static get [Symbol.species]() { return Array; } }
const liar = new Liar(3); liar[0] = 7;
Uint8Array.prototype.set = function () { throw new Error('set'); };
Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength', { get() { return 1 << 30; } });
const stream = await step.do('x', async () => new ReadableStream({ pull(c) { c.enqueue(liar); c.close(); } }));
const read = await stream.getReader().read();
const fake = await step.do('y', async () => Object.create(ReadableStream.prototype)).catch((error) => error.name);
return { escaped: read.done || read.value[0] !== 7 || read.value[3] !== undefined || fake !== 'ValueError' };
