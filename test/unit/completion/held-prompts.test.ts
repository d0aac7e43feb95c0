import assert from 'node:assert/strict';
import { HeldPrompts } from '../../../src/completion/held-prompts.ts';
import { drawn } from './drawn.ts';

const COLD = 500;
const TEXT = Array.from({ length: 300 }, (_, i) => `const x${i} = ${i};\n`).join('');
const at = (uri: string) => drawn(`${TEXT}█`, 'typescript', uri);

/** A document's prompts, read as the runner does. */
function document(held: HeldPrompts, uri: string) {
  return {
    key() {
      const prompt = held.window(uri).next(at(uri), COLD);
      held.take(uri, prompt.buffer);
      return prompt;
    },
    pause() {
      this.key();
      const window = held.window(uri);
      const ahead = window.ahead(at(uri), [])!;
      held.take(uri, ahead.buffer);
      window.adopt(ahead);
    },
    isCold() {
      const { prefix, middle } = this.key();
      return prefix.length + middle.length <= COLD;
    },
  };
}

describe('completion/held-prompts', () => {
  it('a document that was read in peace stays so while another one has a key or two', () => {
    const held = new HeldPrompts();
    const [a, b] = [document(held, 'a'), document(held, 'b')];
    a.pause();
    assert.equal(a.isCold(), false);
    assert.equal(b.isCold(), true);
    assert.equal(a.isCold(), false);
  });

  it('a document whose sequence another one took is cold again', () => {
    const held = new HeldPrompts();
    const [a, b] = [document(held, 'a'), document(held, 'b')];
    a.pause();
    b.pause();
    assert.equal(b.isCold(), false);
    assert.equal(a.isCold(), true);
  });

  it('of three documents the one before last has lost its sequence', () => {
    const held = new HeldPrompts();
    const [a, b, c] = [document(held, 'a'), document(held, 'b'), document(held, 'c')];
    a.pause();
    b.key();
    c.key();
    assert.equal(a.isCold(), true);
  });

  it('after the engine has lost everything all documents are cold', () => {
    const held = new HeldPrompts();
    const a = document(held, 'a');
    a.pause();
    held.clear();
    assert.equal(a.isCold(), true);
  });
});
