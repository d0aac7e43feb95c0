import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { FramingGuard } from '../../../src/rpc/framing-guard.ts';
import { frame } from '../../support/peers.ts';

const LIMITS = { headerBytes: 64, messageBytes: 100 };

/** What comes through when `chunks` arrive one by one, and the error that ended it. */
async function pass(chunks: Buffer[], limits = LIMITS): Promise<{ through: string; error: string | null }> {
  const input = new PassThrough();
  const out: Buffer[] = [];
  const guard = new FramingGuard(limits);
  const done = pipeline(input, guard, async source => {
    for await (const chunk of source) out.push(chunk as Buffer);
  });
  for (const chunk of chunks) input.write(chunk);
  input.end();
  const error = await done.then(
    () => null,
    (e: Error) => e.message,
  );
  return { through: Buffer.concat(out).toString(), error };
}

describe('rpc framing guard', () => {
  const check = (name: string, input: string, expected: RegExp | null) =>
    it(name, async () => {
      const { through, error } = await pass([Buffer.from(input)]);
      if (expected === null) assert.deepEqual({ through, error }, { through: input, error: null });
      else assert.match(error ?? '', expected);
    });

  check('lets one frame through', frame('{"a":1}'), null);
  check('lets several frames through', frame('{}') + frame('[1,2]') + frame('"é"'), null);
  check('accepts a content type', 'Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}', null);
  check('names a stray line', `hello\n${frame('{}')}`, /not a message header: "hello/);
  check('names a stray line behind a frame', `${frame('{}')}oops`, /not a message header: "oops/);
  check('refuses a header without length', 'Content-Type: a\r\n\r\n{}', /names no length/);
  check('refuses a length that is not a number', 'Content-Length: abc\r\n\r\n{}', /not a message header/);
  check('refuses a negative length', 'Content-Length: -5\r\n\r\n{}', /not a message header/);
  check('refuses two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}', /two lengths/);
  check('refuses an empty message', 'Content-Length: 0\r\n\r\n', /empty message/);
  check('refuses a giant before its body', 'Content-Length: 101\r\n\r\n', /announces 101 bytes; at most 100/);
  check('refuses an absurd length', 'Content-Length: 9000000000000000\r\n\r\n', /not a message header/);
  check('refuses an endless header', `Content-Type: ${'x'.repeat(100)}`, /header longer than 64 bytes/);
  check('reports an end inside a body', 'Content-Length: 9\r\n\r\n{}', /ended in the middle/);
  check('reports an end inside a header', 'Content-Le', /ended in the middle/);

  it('refuses garbage at its first byte, not at the next frame', async () => {
    const guard = new FramingGuard(LIMITS);
    const failed = new Promise<Error>(resolve => guard.once('error', resolve));
    guard.write('x');
    assert.match((await failed).message, /not a message header: "x"/);
  });

  it('is blind to how the bytes are cut', async () => {
    const bodies = fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), { maxLength: 6 });
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(bodies, cuts, async (texts, sizes) => {
        const bytes = Buffer.from(texts.map(frame).join(''));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(await pass(chunks), { through: bytes.toString(), error: null });
      }),
      { numRuns: 150 },
    );
  });

  it('takes linear time over megabytes of garbage', async () => {
    const started = performance.now();
    const { error } = await pass([Buffer.from('Content-Length: '), Buffer.alloc(20 << 20, '1')]);
    assert.match(error ?? '', /header longer than 64 bytes/);
    assert.ok(performance.now() - started < 5000);
  });
});
