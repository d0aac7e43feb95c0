import assert from 'node:assert/strict';
import { Snooze } from '../../../src/completion/snooze.ts';
import { type Trace, TraceLog } from '../../../src/completion/trace.ts';
import { renderTraces } from '../../../src/completion/why.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { answered } from './answered.ts';

const TRACE: Trace = {
  path: 'src/a.ts',
  lineBefore: 'const x = ',
  isManual: false,
  ms: 123.4,
  outcome: { kind: 'dropped', by: 'overlap' },
  run: {
    prompt: {
      prefix: 'a\n',
      middle: 'const x = ',
      suffix: '\n',
      files: [{ path: 'b.ts', text: 'b' }],
      buffer: 'a',
    },
    written: 'y = `1`;',
    changedBy: ['extent', 'overlap'],
    usage: answered('').usage,
    meanLogProb: -0.25,
  },
};

describe('completion/why', () => {
  it('tells what was read, what it cost and which filter dropped it', () => {
    const page = renderTraces([TRACE]);
    for (const part of [
      '1. Dropped by the filter “overlap”',
      'const x = █',
      '12 characters before the cursor, 1 after it; other files: `b.ts`',
      '100 in the prompt, 90 of them read before; 5 written',
      'Mean log-probability: -0.25',
      'extent, overlap',
      'y = `1`;',
    ])
      assert.ok(page.includes(part), part);
  });

  it('of what was known already it tells what the request took that wrote it', () => {
    const shown = (source: 'cache' | 'model') =>
      renderTraces([{ ...TRACE, outcome: { kind: 'shown', source, text: 'y' } }]);
    assert.match(
      shown('cache'),
      /What an earlier request took that wrote it:\n\n- Read: 12 .*\n- Tokens: 100 /,
    );
    assert.doesNotMatch(shown('model'), /earlier request/);
  });

  it('every outcome has words of its own', () => {
    const outcomes: Trace['outcome'][] = [
      { kind: 'shown', source: 'cache', text: 'a' },
      { kind: 'shown', source: 'running', text: 'a' },
      { kind: 'shown', source: 'model', text: 'a' },
      { kind: 'silent', reason: 'in a long comment' },
      { kind: 'silent', reason: 'completions are snoozed' },
      { kind: 'unsure', source: 'model', text: 'a' },
      { kind: 'nothing' },
      { kind: 'overtaken' },
      { kind: 'failed', message: 'The daemon is down.' },
    ];
    const titles = outcomes.map(
      outcome => /^## 1\. (.*)$/m.exec(renderTraces([{ ...TRACE, outcome, run: null }]))![1],
    );
    assert.equal(new Set(titles).size, outcomes.length);
  });

  it('a text with fences does not end its own', () => {
    const page = renderTraces([
      { ...TRACE, run: null, outcome: { kind: 'shown', source: 'model', text: '```\na\n```' } },
    ]);
    assert.ok(page.includes('````\n```\na\n```\n````'));
  });

  it('keeps the last ten, without keys that were overtaken before anything was asked', () => {
    const log = new TraceLog();
    for (let i = 0; i < 12; i++) log.add({ ...TRACE, ms: i });
    log.add({ ...TRACE, outcome: { kind: 'overtaken' }, run: null });
    assert.deepEqual(
      log.all.map(({ ms }) => ms),
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2],
    );
    assert.match(renderTraces([]), /There was none yet/);
  });
});

describe('completion/snooze', () => {
  it('ends by itself, or when it is told', async () => {
    const clock = new FakeClock();
    const snooze = new Snooze(clock);
    let changes = 0;
    snooze.onDidChange(() => changes++);
    snooze.start(1000);
    assert.ok(snooze.isOn);
    await clock.advance(1000);
    assert.equal(snooze.isOn, false);
    snooze.start(1000);
    snooze.end();
    assert.equal(snooze.isOn, false);
    assert.equal(changes, 4);
  });
});
