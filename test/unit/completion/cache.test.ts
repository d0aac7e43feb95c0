import assert from 'node:assert/strict';
import { SuggestionCache } from '../../../src/completion/cache.ts';
import { drawn } from './drawn.ts';

describe('completion/cache', () => {
  const check = (name: string, origin: string, text: string, now: string, expected: string | null) =>
    it(name, () => {
      const cache = new SuggestionCache();
      cache.put(drawn(origin), text);
      assert.equal(cache.find(drawn(now))?.text ?? null, expected);
    });
  check('same place', 'const x = █\n', '5;', 'const x = █\n', '5;');
  check('typed through', 'const x = █\n', 'foo(a, b);', 'const x = fo█\n', 'o(a, b);');
  check('typed over a line end', 'f {█\n', '\n  a();\n}', 'f {\n  █\n', 'a();\n}');
  check('the editor closed a bracket', 'const x = █\n', 'foo(a);', 'const x = foo(█)\n', 'a);');
  check('the editor closed a quote', 'const x = █;\n', "f('a')", "const x = f('█');\n", "a')");
  check('all typed', 'const x = █\n', '5;', 'const x = 5;█\n', null);
  check('typed something else', 'const x = █\n', '5;', 'const x = 6█\n', null);
  check('another suffix', 'foo(█)', 'a', 'foo(█, b)', null);
  check('a longer suffix', 'x = █', '5', 'x = █\ny = 6', null);
  check('another place', 'const x = █\n', '5;', 'const y = █\n', null);
  check('the same words further down', 'import █\n', 'os', 'import os\nimport █\n', null);
  check('anything after a document that was empty', '█', 'import os', 'const█', null);
  check('the beginning of what follows nothing', '█', 'import os', 'import █', 'os');

  it('looks no further back than 400 characters', () => {
    const cache = new SuggestionCache();
    const long = 'x'.repeat(400);
    cache.put(drawn(`a${long}█`), '5');
    assert.equal(cache.find(drawn(`b${long}█`))?.text, '5');
  });

  it('keeps documents apart', () => {
    const cache = new SuggestionCache();
    cache.put(drawn('x = █'), '5');
    assert.equal(cache.find(drawn('x = █', 'typescript', 'file:///b.ts')), null);
  });

  it('forgets the least recently used', () => {
    const cache = new SuggestionCache(2);
    cache.put(drawn('a = █'), '1');
    cache.put(drawn('b = █'), '2');
    assert.equal(cache.find(drawn('a = █'))?.text, '1');
    cache.put(drawn('c = █'), '3');
    assert.equal(cache.find(drawn('b = █')), null);
    assert.equal(cache.find(drawn('a = █'))?.text, '1');
  });

  it('tells how much was typed, and what wrote it', () => {
    const cache = new SuggestionCache();
    const prompt = { prefix: '', middle: 'x = ', suffix: '', files: [], buffer: 'a' } as const;
    const run = { prompt, written: 'foo()', changedBy: [], usage: null, meanLogProb: -0.5 };
    cache.put(drawn('x = █'), 'foo()', run);
    assert.deepEqual(cache.find(drawn('x = fo█')), { text: 'o()', typedChars: 2, run });
  });
});
