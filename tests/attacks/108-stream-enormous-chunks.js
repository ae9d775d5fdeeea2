// id: stream-enormous-chunks
// class: memory
// expect: limit|error|contained
// idea: chunks of a stream that are larger than the guest, and enqueued without being asked for
// form: body of `async run(event, step)`; `console` in scope; {escaped:true} = the attack worked
await step.do('x', async () => new ReadableStream({ start(c) { for (let i = 0; i < 64; i++) c.enqueue(new Uint8Array(16 << 20)); c.close(); } }));
return { escaped: true };
