import assert from 'node:assert/strict';
import { HeldText, holdLastWord } from '../../../src/engine/held-text.ts';
import { Tokenizer } from '../../../src/engine/tokenizer.ts';
import { tinyTokenizerJson } from '../../support/tiny-tokenizer.ts';

const tokenizer = new Tokenizer(tinyTokenizerJson());
const idOf = (text: string) => tokenizer.encodePlain(text)[0]!;

/** Texts of the tokens that may be written next. */
function allowed(held: HeldText): string[] {
  const logits = held.limit(new Float32Array(tokenizer.size));
  const ids = Array.from(logits.keys()).filter(id => logits[id] === 0);
  return ids.map(id => tokenizer.decode([id])).sort();
}

describe('held text', () => {
  const check = (text: string, read: string, held: string) =>
    it(`holds ${JSON.stringify(held)} of ${JSON.stringify(text.slice(0, 20))}`, () =>
      assert.deepEqual(holdLastWord(text), [read, held]));
  check('', '', '');
  check('    retu', '   ', ' retu');
  check('x = ', 'x =', ' ');
  check('call(snake_case2', 'call', '(snake_case2');
  check('call(', 'call', '(');
  check('x =', 'x', ' =');
  check('if (a ===', 'if (a', ' ===');
  check('    (', '   ', ' (');
  check('a.b().', 'a.b()', '.');
  check('f {\n', 'f {\n', '');
  check('a\nb', 'a\n', 'b');
  check('x 😀naïve', 'x ', '😀naïve');
  check('a'.repeat(1000), 'a'.repeat(936), 'a'.repeat(64));

  it('lets through what begins with it and what it begins with, and no special token', () => {
    assert.deepEqual(allowed(new HeldText(tokenizer, 'retu')), ['r', 're', 'retu', 'retur', 'return']);
    assert.deepEqual(allowed(new HeldText(tokenizer, '<')), ['<']);
  });

  it('lets everything through when it is written, and shows only what is new', () => {
    const held = new HeldText(tokenizer, 'retu');
    assert.equal(held.push(idOf('re'), 're'), '');
    assert.deepEqual(allowed(held), ['t', 'tu']);
    assert.equal(held.push(idOf('tu'), 'tu'), '');
    assert.equal(allowed(held).length, tokenizer.size);
    assert.equal(held.push(idOf('r'), 'rn'), 'rn');
    assert.equal(new HeldText(tokenizer, 'retu').push(idOf('return'), 'return'), 'rn');
  });
});
