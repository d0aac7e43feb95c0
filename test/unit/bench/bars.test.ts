import assert from 'node:assert/strict';
import { judge, renderBars } from '../../bench/bars.ts';
import type { Figure } from '../../bench/plan.ts';
import { TAIL_FIGURE } from '../../bench/scenarios/levels.ts';
import { CHAT_MEMORY_FIGURE, LOAD_FIGURE, MEMORY_FIGURE } from '../../bench/scenarios/load.ts';
import { QUALITY_FIGURE, STEPS_FIGURE } from '../../bench/scenarios/quality.ts';
import { FRESH, REUSED, SECOND_TURN_FIGURE } from '../../bench/scenarios/turns.ts';
import { COLUMN, WAIT_FIGURE } from '../../bench/scenarios/typing.ts';

const figure = (scenario: string, what: string, values: Record<string, number>): Figure => ({
  scenario,
  what,
  unit: 'ms',
  values,
  rounds: 1,
});
const verdict = (what: RegExp, ...figures: Figure[]) => judge(figures).find(bar => what.test(bar.what))!;

describe('bars of the benchmark', () => {
  it('judges a ratio that must be large', () => {
    const turns = (fresh: number) => figure('turns', SECOND_TURN_FIGURE, { [FRESH]: fresh, [REUSED]: 100 });
    assert.equal(verdict(/second turn/, turns(2000)).value, 20);
    assert.equal(verdict(/second turn/, turns(2000)).isMet, true);
    assert.equal(verdict(/second turn/, turns(1999)).isMet, false);
  });

  it('judges a ratio that must be small', () => {
    const load = (ms: number) => figure('load', LOAD_FIGURE, { 'llama.cpp': 1000, 'moebius int4': ms });
    assert.equal(verdict(/^load/, load(1500)).isMet, true);
    assert.equal(verdict(/^load/, load(1501)).isMet, false);
  });

  it('judges memory apart where chats are read with experts', () => {
    const memory = (what: string, ours: number) =>
      figure('load', what, { 'llama.cpp': 2000, 'moebius int4': ours });
    const figures = [memory(MEMORY_FIGURE, 2000), memory(CHAT_MEMORY_FIGURE, 3000)];
    assert.deepEqual(
      [/^peak memory, heap/, /^peak memory where a chat/].map(what => verdict(what, ...figures).isMet),
      [true, false],
    );
  });

  it('compares writing with the faster of llama.cpp with and without drafts', () => {
    const values = {
      'llama.cpp': 10,
      'llama.cpp, drafts': 20,
      'moebius int4': 11,
      'moebius int4, drafts': 22,
    };
    const { value, isMet } = verdict(/^writing at 2048/, figure('decode', 'write at 2048', values));
    assert.ok(Math.abs(value! - 1.1) < 1e-9);
    assert.equal(isMet, false);
  });

  it('tells how much sooner an answer is there', () => {
    const values = { 'moebius exact': 10_000, 'moebius fast': 5000 };
    const { value } = verdict(/^short answer/, figure('chat', '100 tokens after 1500', values));
    assert.equal(value, 50);
  });

  it('judges what forms and levels cost, in small numbers', () => {
    const quality = figure('quality', QUALITY_FIGURE, { fp32: 0, int4: 0.41, int8: 1.04 });
    const steps = figure('quality', STEPS_FIGURE, { int4: 1.2, int8: 0.3 });
    const tails = figure('levels', TAIL_FIGURE, { exact: 0, balanced: 0.0103, fast: 0.0511 });
    const table = renderBars(judge([quality, steps, tails]));
    assert.match(table, /\| perplexity of int4.* \| ≤ 1 % \| 0\.41 % \| met \|/);
    assert.match(table, /\| perplexity of int8.* \| ≤ 1 % \| 1\.04 % \| \*\*missed\*\* \|/);
    assert.match(table, /\| perplexity of int4 in single steps.* \| ≤ 1 % \| 1\.2 % \| \*\*missed\*\* \|/);
    assert.match(table, /\| perplexity of int8 in single steps.* \| ≤ 1 % \| 0\.3 % \| met \|/);
    assert.match(table, /at balanced.* \| ≤ 0\.02 nats \| 0\.01 nats \| met \|/);
    assert.match(table, /at fast.* \| ≤ 0\.05 nats \| 0\.051 nats \| \*\*missed\*\* \|/);
  });

  it('does not judge what was not measured, and says so', () => {
    const verdicts = judge([figure('load', LOAD_FIGURE, { 'moebius int4': 1000 })]);
    assert.ok(verdicts.length >= 11);
    assert.ok(verdicts.every(({ value, isMet }) => value === null && isMet === null));
    assert.equal(renderBars(verdicts).match(/not measured/g)!.length, verdicts.length);
  });

  it('counts it as missed when no key waited long enough for an answer', () => {
    const never = figure('typing', WAIT_FIGURE, { [COLUMN]: Number.POSITIVE_INFINITY });
    assert.match(renderBars(judge([never])), /\| ghost text.* \| ≤ 300 ms \| ∞ ms \| \*\*missed\*\* \|/);
  });

  it('shows value and outcome', () => {
    const met = figure('turns', SECOND_TURN_FIGURE, { [FRESH]: 3000, [REUSED]: 100 });
    const missed = figure('load', LOAD_FIGURE, { 'llama.cpp': 1000, 'moebius int4': 1600 });
    const table = renderBars(judge([met, missed]));
    assert.match(table, /\| second turn .* \| ≥ 20\.00x \| 30\.00x \| met \|/);
    assert.match(table, /\| load .* \| ≤ 1\.50x \| 1\.60x \| \*\*missed\*\* \|/);
  });
});
