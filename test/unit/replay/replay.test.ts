import assert from 'node:assert/strict';
import type { Backend } from '../../../src/backends/backend.ts';
import type { CompletionCall } from '../../../src/completion/runner.ts';
import { NO_SYNTAX } from '../../../src/completion/syntax/syntax.ts';
import type { CompleteParams } from '../../../src/protocol/daemon.ts';
import type { Keystroke } from '../../bench/typing-script.ts';
import { compare, readBaseline } from '../../replay/baseline.ts';
import { ReplayedEngine, type TokensOf } from '../../replay/engine.ts';
import { renderConfidence, renderFigures, renderOutcomes } from '../../replay/report.ts';
import { type Judged, typeFile } from '../../replay/session.ts';
import { emptyTally, figures, sum } from '../../replay/tally.ts';
import { VirtualClock } from '../../replay/virtual-clock.ts';

const SPEEDS = { read: 100, write: 10 };
/** A token a character. */
const tokensOf: TokensOf = ({ prefix, suffix, middle }) =>
  [...`${prefix}|${suffix}|${middle}`].map(char => char.codePointAt(0)!);
const USAGE = { promptTokens: 100, reusedTokens: 60, outputTokens: 4, queueMs: 0, prefillMs: 9, decodeMs: 9 };

/** Writes `text` in four pieces, whatever is asked. */
function backendOf(text: string): Pick<Backend, 'complete'> {
  return {
    async complete({ maxTokens }, { onEvent } = {}) {
      const isReading = maxTokens === 0;
      const size = Math.ceil(text.length / 4);
      if (!isReading)
        for (let i = 0; i < text.length; i += size)
          onEvent?.({ type: 'text', text: text.slice(i, i + size) });
      return { text: isReading ? '' : text, finish: 'stop', usage: USAGE, meanLogProb: -0.1 };
    },
  };
}
const CALL: CompletionCall = {
  path: 'a.py',
  prefix: 'p'.repeat(28),
  middle: '',
  suffix: 's'.repeat(10),
  files: [],
  buffer: 'a',
  isSingleLine: true,
  maxTokens: 48,
};

describe('replay/engine', () => {
  it('takes the time that reading and writing takes at the given speeds', async () => {
    const [clock, tally] = [new VirtualClock(), emptyTally()];
    const { complete } = new ReplayedEngine(backendOf('abcd'), tokensOf, clock, SPEEDS, tally);
    const pieces: [string, number][] = [];
    const onText = (text: string) => pieces.push([text, clock.now()]);
    await clock.until(complete(CALL, { signal: new AbortController().signal, onText }));
    // 40 tokens are read at 100 a second, then one a tenth of a second.
    assert.deepEqual(pieces, [
      ['a', 500],
      ['b', 600],
      ['c', 700],
      ['d', 800],
    ]);
    assert.deepEqual([tally.readTokens, tally.writtenTokens, tally.computeMs], [40, 4, 800]);
  });

  it('goes on where reading was broken off', async () => {
    const [clock, tally] = [new VirtualClock(), emptyTally()];
    const { complete } = new ReplayedEngine(backendOf('a'), tokensOf, clock, SPEEDS, tally);
    const abort = new AbortController();
    const first = complete(CALL, { signal: abort.signal, onText() {} });
    clock.after(100, () => abort.abort());
    await clock.until(assert.rejects(first, { code: 'cancelled' }));
    assert.deepEqual([tally.readTokens, tally.cancelled], [10, 1]);
    tally.readTokens = 0;
    await clock.until(complete(CALL, { signal: new AbortController().signal, onText() {} }));
    assert.equal(tally.readTokens, 30);
    await clock.until(
      complete({ ...CALL, middle: 'a' }, { signal: new AbortController().signal, onText() {} }),
    );
    assert.equal(tally.readTokens, 31, 'what was written is held as well, but for the last');
  });
});

describe('replay/session', () => {
  const opened = { text: 'def f():\n    x = 1\n', offset: 18 };
  const keys: Keystroke[] = [
    { kind: 'type', text: '\n    ', pauseMs: 100 },
    ...[...'return x'].map((text): Keystroke => ({ kind: 'type', text, pauseMs: 1500 })),
  ];
  const type = (text: string, kind: 'moebius' | 'plain' = 'moebius') =>
    typeFile(
      { backend: backendOf(text) as Backend, tokensOf, syntax: NO_SYNTAX },
      { path: 'a.py', languageId: 'python' },
      { opened, keys },
      kind,
      SPEEDS,
    );

  it('takes a suggestion that is right to its end, and saves its keys', async () => {
    const { tally, judged } = await type('    return x');
    assert.equal(tally.accepted, 1);
    assert.equal(tally.keys, 2, 'the line break and Tab');
    assert.deepEqual([tally.usefulChars, tally.rightChars, tally.rightLines], [8, 8, 1]);
    const [{ text, typed, rightChars, isAccepted }] = judged as [Judged];
    assert.deepEqual([text, typed, rightChars, isAccepted], ['return x', 'return x', 8, true]);
    assert.equal(tally.outcomes['shown: model'], 1);
  });

  it('types on through one that is wrong', async () => {
    const { tally } = await type('    return y');
    assert.equal(tally.accepted, 0);
    assert.equal(tally.keys, 9);
    assert.equal(tally.usefulChars, 7, 'each right character is counted once');
    assert.ok(tally.suggestedChars > tally.rightChars);
  });

  it('a plain pipeline asks anew at every pause', async () => {
    const { tally: plain } = await type('zzz', 'plain');
    assert.equal(plain.accepted, 0);
    assert.equal(plain.requests, 8, 'nobody waits for what follows the last key');
  });

  /** What was asked for, read ahead or to be written. */
  async function asked(before: string, kind: 'moebius' | 'plain'): Promise<Partial<CompleteParams>[]> {
    const calls: Partial<CompleteParams>[] = [];
    const spied: TokensOf = params => {
      calls.push(params);
      return tokensOf(params);
    };
    await typeFile(
      { backend: backendOf('zzz') as Backend, tokensOf: spied, syntax: NO_SYNTAX },
      { path: 'p/a.py', languageId: 'python', others: [{ path: 'p/b.py', text: 'def area(width): pass' }] },
      { opened: { text: before, offset: before.length }, keys },
      kind,
      SPEEDS,
    );
    return calls;
  }

  it('shows the model other files of the package, in pauses; a plain pipeline shows none', async () => {
    const shown = (calls: Partial<CompleteParams>[]) => calls.flatMap(({ files = [] }) => files);
    const ours = shown(await asked('def f():\n    width = 1', 'moebius'));
    assert.ok(ours.some(({ path, text }) => path === 'p/b.py' && text === 'def area(width): pass'));
    assert.deepEqual(shown(await asked('def f():\n    width = 1', 'plain')), []);
  });

  it('a plain pipeline has 256 lines, and asks for no more than the line that was begun', async () => {
    const long = `# ${'-'.repeat(80)}\n`.repeat(400);
    const calls = await asked(`${long}def f():\n    x = 1`, 'plain');
    const lineAt = ({ prefix = '' }: Partial<CompleteParams>) => prefix.slice(prefix.lastIndexOf('\n') + 1);
    assert.ok(calls.every(({ prefix }) => prefix!.split('\n').length === 256));
    const single = new Map(calls.map(call => [lineAt(call).trim(), call.singleLine]));
    assert.deepEqual([single.get(''), single.get('return')], [false, true]);
  });
});

describe('replay/figures', () => {
  const tally = {
    ...emptyTally(),
    keys: 200,
    shown: 40,
    suggestions: 10,
    suggestedChars: 100,
    rightChars: 60,
  };
  const measured = figures({
    ...tally,
    accepted: 4,
    usefulChars: 90,
    computeMs: 30_000,
    latenciesMs: [10, 20, 30],
  });

  it('are shares of what was counted', () => {
    assert.equal(measured.shownPer100Keys, 20);
    assert.equal(measured.rightCharsShare, 0.6);
    assert.equal(measured.acceptedShare, 0.4);
    assert.equal(measured.usefulCharsPerComputeSecond, 3);
    assert.equal(measured.latencyP50Ms, 20);
    assert.deepEqual(sum([tally, tally]).keys, 400);
  });

  it('a figure that is worse by more than its tolerance is named', () => {
    assert.deepEqual(compare(measured, measured), []);
    const worse = { ...measured, rightCharsShare: 0.5, writtenTokensPerShownChar: 9 };
    assert.deepEqual(
      compare(worse, { ...measured, writtenTokensPerShownChar: 1 }).map(line => line.split(':')[0]),
      ['rightCharsShare', 'writtenTokensPerShownChar'],
    );
  });

  it('so is one of time, which is computed; what an older baseline lacks is not compared', () => {
    const worse = { ...measured, latencyP95Ms: 900, cancelledShare: 0.9, usefulCharsPerComputeSecond: 1 };
    assert.deepEqual(
      compare(worse, { ...measured, cancelledShare: 0.5 }).map(line => line.split(':')[0]),
      ['usefulCharsPerComputeSecond', 'latencyP95Ms', 'cancelledShare'],
    );
    assert.deepEqual(compare(worse, { rightCharsShare: measured.rightCharsShare }), []);
  });

  it('an older baseline was made in 4 bits and without other files', () => {
    const settings = { model: 'm', limit: 9, keys: 60, read: 90, write: 20, pace: 1 };
    const read = readBaseline(JSON.stringify({ settings, figures: measured }));
    assert.deepEqual(read.settings, { ...settings, variant: 'int4', alone: true });
    const newer = { ...settings, variant: 'int8', alone: false };
    assert.deepEqual(readBaseline(JSON.stringify({ settings: newer, figures: {} })).settings, newer);
  });

  it('two pipelines are compared by useful characters', () => {
    const table = renderFigures([
      ['ours', measured],
      ['plain', { ...measured, usefulCharsPerComputeSecond: 1.5 }],
    ]);
    assert.match(table, /2\.00 times/);
  });

  it('say what a threshold would have kept back, where the confidence is known', () => {
    const judged = { lineBefore: '', typed: '', source: 'model', isAccepted: false } as const;
    const table = renderConfidence([
      { ...judged, text: 'abcd', rightChars: 4, isAccepted: true, meanLogProb: -0.1 },
      { ...judged, text: 'abcd', rightChars: 1, meanLogProb: -0.9 },
      { ...judged, text: 'abcd', rightChars: 0, meanLogProb: null },
    ]);
    assert.match(table, /\| -0.8 \| 1 \| 100.0 % \| 1 \| 1 \| 25.0 % \| 0 \|/);
    assert.match(table, /\| -1 \| 2 \| 62.5 % \| 1 \| 0 \| - \| 0 \|/);
  });

  it('name what became of the keystrokes, the most frequent first', () => {
    const table = renderOutcomes({ unsure: 1, overtaken: 3 });
    assert.match(table, /overtaken \| 3 \| 75.0 %.*\n.*unsure \| 1 \| 25.0 %/);
  });
});
