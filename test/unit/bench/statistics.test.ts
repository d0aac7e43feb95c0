import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promptOfLength } from '../../bench/corpus.ts';
import { dropFromCache, filesBelow } from '../../bench/page-cache.ts';
import { PeakMemory, readShare } from '../../bench/process-memory.ts';
import { renderTable } from '../../bench/report.ts';
import { eachRound, requireFresh, rotated, Samples } from '../../bench/rounds.ts';
import { answersOf } from '../../bench/scenarios/chat.ts';
import { median, medianWait, perplexity, quantile, spreadPercent } from '../../bench/statistics.ts';

describe('benchmark', () => {
  it('takes medians', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('takes quantiles by nearest rank', () => {
    const values = Array.from({ length: 20 }, (_, i) => 20 - i);
    assert.equal(quantile(values, 0.5), 10);
    assert.equal(quantile(values, 0.95), 19);
    assert.equal(quantile([7], 0.5), 7);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });

  it('counts a wait that was cut as longer than it was', () => {
    const waits = (came: number[], cut: number[]) => [
      ...cut.map(ms => ({ ms, isCut: true })),
      ...came.map(ms => ({ ms, isCut: false })),
    ];
    assert.equal(medianWait(waits([1, 2, 3, 4], [])), 2);
    // Of three that waited for 500 ms one had it then; who gave up before says nothing of that.
    assert.equal(medianWait(waits([500, 900], [100, 100, 100, 100, 600])), 900);
    assert.equal(medianWait(waits([100], [100, 100])), Number.POSITIVE_INFINITY);
    assert.equal(medianWait(waits([], [100, 100])), Number.POSITIVE_INFINITY);
  });

  it('runs every round, and tells each when it is over', () => {
    const lines: string[] = [];
    const rounds = [...eachRound({ rounds: 3, quick: false }, 'load', line => lines.push(line))];
    assert.deepEqual(rounds, [0, 1, 2]);
    assert.equal(lines.at(-1), 'load: round 3 of 3');
  });

  it('takes no new round when the time is up, but always one', () => {
    let nowMs = 0;
    const now = performance.now;
    performance.now = () => nowMs;
    try {
      const rounds: number[] = [];
      for (const round of eachRound({ rounds: 5, quick: true }, 'load', () => {})) {
        rounds.push(round);
        nowMs += 40_000;
      }
      assert.deepEqual(rounds, [0, 1]);
    } finally {
      performance.now = now;
    }
  });

  it('measures the memory of a process', function () {
    if (process.platform !== 'linux') this.skip();
    const peak = new PeakMemory(process.pid).stop()!;
    assert.ok(peak.anonymous > 1e6 && peak.fileBacked > 1e6);
    assert.equal(peak.resident, peak.anonymous + peak.fileBacked);
    assert.ok(readShare(process.pid)! <= peak.resident * 1.5);
    assert.equal(readShare(2 ** 30), null);
  });

  it('calls no start cold whose files could not be dropped', () => {
    assert.equal(dropFromCache(['/no/such/file']), false);
    assert.equal(dropFromCache([tmpdir()]), false);
  });

  it('finds the files of a model with those of its packed weights', () => {
    const folder = mkdtempSync(join(tmpdir(), 'moebius-files-'));
    try {
      mkdirSync(join(folder, 'packed'));
      const files = ['body.data', join('packed', 'body.data')].map(name => join(folder, name));
      for (const file of files) writeFileSync(file, 'x');
      assert.deepEqual(filesBelow(folder).sort(), files);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('measures the spread around the median, outliers aside', () => {
    assert.equal(spreadPercent([10, 10, 10, 10, 100]), 0);
    assert.equal(spreadPercent([8, 9, 10, 11, 12]), 10);
  });

  it('makes a perplexity of log probabilities', () => {
    const even = Float32Array.from([Math.log(0.25), Math.log(0.25)]);
    assert.ok(Math.abs(perplexity([even, Float32Array.from([Math.log(0.25)])]) - 4) < 1e-6);
  });

  it('turns the order of the contenders each round', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map(round => rotated(['a', 'b', 'c'], round).join('')),
      ['abc', 'bca', 'cab', 'abc'],
    );
  });

  it('cuts prompts of exactly the wished length that start differently', async () => {
    // Three characters a token.
    const tokenize = async (text: string) => Array.from({ length: Math.ceil(text.length / 3) }, (_, i) => i);
    const text = 'lorem ipsum '.repeat(50);
    const prompts = [
      await promptOfLength(text, 20, 0, tokenize),
      await promptOfLength(text, 20, 1, tokenize),
    ];
    for (const prompt of prompts) assert.equal((await tokenize(prompt)).length, 20);
    assert.notEqual(prompts[0]![0], prompts[1]![0]);
  });

  it('counts no reading of a prompt that was partly read before', () => {
    const check = (promptTokens: number, reusedTokens: number) => () =>
      requireFresh('int8', { promptTokens, reusedTokens }, 1500);
    assert.doesNotThrow(check(1500, 0));
    assert.doesNotThrow(check(1501, 1)); // a token that every text of the model begins with
    for (const [read, reused] of [
      [1500, 1],
      [1500, 510],
      [1501, 2],
      [1499, 0],
      [1600, 0],
    ] as const) {
      assert.throws(check(read, reused), /int8 read .* asked for 1500 new ones/);
    }
  });

  it('shows counts and shares as they are', () => {
    const values = { a: 12.5, b: 3 };
    const table = (unit: 'count' | 'share') =>
      renderTable([{ scenario: 's', what: 'w', unit, values, rounds: 1 }]);
    assert.match(table('count'), /\| w, count \| 12\.5 \| 3 \|/);
    assert.match(table('share'), /\| w, share \| 13 % \| 3 % \|/);
  });

  it('shows no spread around nothing', () => {
    const samples = new Samples(['moebius']);
    for (const value of [0, 0, 1]) samples.add('moebius', value);
    const table = renderTable([samples.figure('typing', 'requests', 'count')]);
    assert.match(table, /\| requests, count \| 0 \|/);
  });

  it('shows the ratio to the first contender', () => {
    const samples = new Samples(['llama.cpp', 'moebius exact', 'absent']);
    for (const value of [10, 10, 10]) samples.add('llama.cpp', value);
    for (const value of [14, 15, 16]) samples.add('moebius exact', value);
    const table = renderTable([samples.figure('speed', 'read 128', 'tokens/s')]);
    assert.match(table, /\| \| llama\.cpp \| moebius exact \|/);
    assert.match(table, /\| read 128, tokens\/s \| 10\.0 ±0 % \| 15\.0 ±3 % \(1\.50x\) \|/);
  });

  it('shows the ratio to the faster of llama.cpp with and without drafts', () => {
    const table = (unit: 'tokens/s' | 'ms', plain: number, drafts: number) => {
      const values = { 'llama.cpp': plain, 'llama.cpp, drafts': drafts, 'moebius exact': 12 };
      return renderTable([{ scenario: 'chat', what: 'w', unit, values, rounds: 1 }]);
    };
    assert.match(table('tokens/s', 10, 8), /\| 10\.0 \| 8\.0 \(0\.80x\) \| 12\.0 \(1\.20x\) \|/);
    assert.match(table('tokens/s', 10, 20), /\| 10\.0 \(0\.50x\) \| 20\.0 \| 12\.0 \(0\.60x\) \|/);
    assert.match(table('ms', 20, 24), /\| 20 \| 24 \(1\.20x\) \| 12 \(0\.60x\) \|/);
    assert.match(table('ms', 24, 20), /\| 24 \(1\.20x\) \| 20 \| 12 \(0\.60x\) \|/);
  });

  it('times the answers of llama.cpp with and without drafts', () => {
    assert.deepEqual(
      ['llama.cpp', 'moebius exact'].flatMap(label => answersOf({ label })),
      [
        { label: 'llama.cpp', drafts: false },
        { label: 'llama.cpp, drafts', drafts: true },
        { label: 'moebius exact', drafts: true },
      ],
    );
  });
});
