import assert from 'node:assert/strict';
import { promptOfLength } from '../../bench/corpus.ts';
import { renderTable } from '../../bench/report.ts';
import { rotated, Samples } from '../../bench/rounds.ts';
import { median, percentile, perplexity, spreadPercent } from '../../bench/statistics.ts';

describe('benchmark', () => {
  it('takes medians', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('takes percentiles', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.deepEqual([percentile(values, 0.95), percentile(values, 1), percentile([7], 0.95)], [95, 100, 7]);
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

  it('shows the ratio to the first contender', () => {
    const samples = new Samples(['llama.cpp', 'moebius exact', 'absent']);
    for (const value of [10, 10, 10]) samples.add('llama.cpp', value);
    for (const value of [14, 15, 16]) samples.add('moebius exact', value);
    const table = renderTable([samples.figure('speed', 'read 128', 'tokens/s')]);
    assert.match(table, /\| \| llama\.cpp \| moebius exact \|/);
    assert.match(table, /\| read 128, tokens\/s \| 10\.0 ±0 % \| 15\.0 ±3 % \(1\.50x\) \|/);
  });
});
