import assert from 'node:assert/strict';
import { OUTPUT_CHARS } from '../../../../src/agent/steps.ts';
import { OutputRecord } from '../../../../src/host/agent/output-record.ts';

function open() {
  const stored: Record<string, string> = {};
  const record = new OutputRecord((callId, text) => {
    assert.notEqual(text, '');
    stored[callId] = (stored[callId] ?? '') + text;
  });
  return { record, stored };
}

describe('what is stored of the output of commands', () => {
  it('is all of it while it is little, as it comes', () => {
    const { record, stored } = open();
    record.begin('a');
    record.add('a', 'one\n');
    assert.equal(stored['a'], 'one\n');
    record.add('a', 'two\n');
    record.end('a');
    assert.equal(stored['a'], 'one\ntwo\n');
  });

  it('is the beginning and the end of what is much, and says so', () => {
    const { record, stored } = open();
    record.begin('a');
    for (let line = 0; line < 100_000; line++) record.add('a', `line ${line}\n`);
    assert.ok(stored['a']!.length <= OUTPUT_CHARS / 2);
    record.end('a');
    assert.ok(stored['a']!.length <= OUTPUT_CHARS, `${stored['a']!.length}`);
    assert.match(
      stored['a']!,
      /^line 0\nline 1\n[\s\S]*\n\[the middle is left out\]\n[\s\S]*\nline 99999\n$/,
    );
  });

  it('is whole up to the limit', () => {
    const { record, stored } = open();
    const text = 'x'.repeat(OUTPUT_CHARS - 100);
    record.begin('a');
    for (const char of text) record.add('a', char);
    record.endAll();
    assert.equal(stored['a'], text);
  });

  it('is nothing of what comes when the call is over', () => {
    const { record, stored } = open();
    for (const id of ['a', 'b']) record.begin(id);
    record.end('a');
    record.endAll();
    for (const id of ['a', 'b', 'c']) record.add(id, 'late\n');
    assert.deepEqual(stored, {});
  });
});
