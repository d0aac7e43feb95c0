import assert from 'node:assert/strict';
import { PromptWindow, WINDOW_LIMITS } from '../../../src/completion/prompt-window.ts';
import { drawn } from './drawn.ts';

const lines = (count: number, word = 'line') =>
  Array.from({ length: count }, (_, i) => `${word} ${i} with some text in it;\n`).join('');

describe('completion/prompt-window', () => {
  it('starts with whole lines, at most the start size', () => {
    const { prefix } = new PromptWindow().next(drawn(`${lines(300)}const x = █`));
    assert.match(prefix, /^line \d+ with/);
    assert.ok(prefix.endsWith('const x = '));
    assert.ok(prefix.length <= WINDOW_LIMITS.startChars && prefix.length > WINDOW_LIMITS.startChars - 60);
  });

  it('takes a short document whole', () => {
    const { prefix, suffix } = new PromptWindow().next(drawn('ab█cd\ne'));
    assert.deepEqual([prefix, suffix], ['ab', 'cd\ne']);
  });

  it('keeps its start while the text after it grows, and starts anew past the limit', () => {
    const window = new PromptWindow();
    let text = lines(300);
    const first = window.next(drawn(`${text}█`)).prefix;
    let anchored = 0;
    for (let i = 0; i < 200; i++) {
      text += `added ${i} with some text in it;\n`;
      const { prefix } = window.next(drawn(`${text}█`));
      assert.ok(prefix.length <= WINDOW_LIMITS.grownChars);
      if (prefix.startsWith(first)) anchored++;
    }
    assert.ok(anchored > 100, `the window moved after ${anchored} of 200 lines`);
  });

  it('finds its start again after lines were inserted above it', () => {
    const window = new PromptWindow();
    const first = window.next(drawn(`${lines(100)}█`)).prefix;
    assert.equal(window.next(drawn(`${lines(3, 'new')}${lines(100)}█`)).prefix, first);
  });

  it('freezes the suffix until it differs materially', () => {
    const window = new PromptWindow();
    const below = lines(40, 'below');
    const first = window.next(drawn(`a █\n${below}`)).suffix;
    assert.ok(first.split('\n').length <= WINDOW_LIMITS.suffixLines);
    const nudged = below.replace('below 7 with', 'below 7 or');
    assert.equal(window.next(drawn(`a b█\n${nudged}`)).suffix, first);
    assert.notEqual(window.next(drawn(`a b█\n${lines(40, 'other')}`)).suffix, first);
    assert.equal(window.next(drawn(`a b(█)\n${below}`)).suffix.slice(0, 2), ')\n');
  });
});
