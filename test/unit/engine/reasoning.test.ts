import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEngine } from '../../../src/engine/load.ts';
import { reasoningReader } from '../../../src/engine/reasoning.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';

/** Added tokens from id 100 on; what is no added token is text with an id of its own. */
function tokensOf(literals: string[]) {
  const specials = new Map(literals.map((literal, i) => [100 + i, literal]));
  const idOf = (piece: string) => 100 + literals.indexOf(piece);
  return { specials, idOf: (piece: string) => (literals.includes(piece) ? idOf(piece) : 1) };
}

function read(literals: string[], prompt: string[], answer: string[]) {
  const { specials, idOf } = tokensOf(literals);
  const reader = reasoningReader(specials, prompt.map(idOf));
  assert.ok(reader);
  const parts = answer.map(piece => reader.push(idOf(piece), piece));
  return [parts.map(part => part.text).join(''), parts.map(part => part.reasoning).join('')];
}

describe('reasoning', () => {
  it('is nothing that a model without such tokens has', () => {
    assert.equal(reasoningReader(new Map([[7, '<|im_end|>']]), [1, 2]), null);
    assert.equal(reasoningReader(new Map([[7, '<think>']]), [1, 2]), null);
  });

  describe('between tags', () => {
    const TAGS = ['<think>', '</think>'];
    const check = (name: string, prompt: string[], answer: string[], expected: [string, string]) =>
      it(name, () => assert.deepEqual(read(TAGS, prompt, answer), expected));
    check(
      'is taken out, with the blank lines behind it',
      ['u'],
      ['<think>', 'hm', ' so', '</think>', '\n', '\nYes', '.\n'],
      ['Yes.\n', 'hm so'],
    );
    check('may have been begun by the template', ['<think>'], ['hm', '</think>', 'Yes'], ['Yes', 'hm']);
    check('is over where the template ended it', ['<think>', '</think>'], ['\n', 'Yes', '\n'], ['Yes\n', '']);
    check('may be missing', ['u'], ['Yes', ' no'], ['Yes no', '']);
    check('may never end', ['<think>'], ['hm', ' so'], ['', 'hm so']);
  });

  describe('in channels', () => {
    const HARMONY = ['<|start|>', '<|channel|>', '<|message|>', '<|end|>', '<|constrain|>'];
    const check = (name: string, answer: string[], expected: [string, string]) =>
      it(name, () => assert.deepEqual(read(HARMONY, ['<|start|>', 'assistant'], answer), expected));
    check(
      'is every channel but the final one',
      [
        ...['<|channel|>', 'analysis', '<|message|>', 'Let me', ' see', '<|end|>', '<|start|>', 'assistant'],
        ...['<|channel|>', 'final', '<|message|>', 'Yes', '!'],
      ],
      ['Yes!', 'Let me see'],
    );
    check(
      'has a call of a tool in it',
      [
        ...['<|channel|>', 'commentary', ' to=f ', '<|constrain|>', 'json', '<|message|>', '{}', '<|end|>'],
        ...['<|start|>', 'assistant', '<|channel|>', 'final', '<|message|>', 'Done'],
      ],
      ['Done', '{}'],
    );
    check('is not what has no channel', ['<|message|>', 'Yes'], ['Yes', '']);
  });
});

describe('an engine whose model thinks', function () {
  this.timeout(30_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-thinking-'));
    await writeTinyModel(folder, { thinks: true });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('tells what it thinks apart from its answer, if it may think', async () => {
    const engine = await loadEngine({ folder, contextTokens: 600, threads: 1 });
    const ask = async (thinking: boolean) => {
      const told = { text: '', reasoning: '' };
      const messages = [{ role: 'user' as const, content: 'hello' }];
      const { text } = await engine.generate(
        { requestId: 'r', messages, maxTokens: 12, ...(thinking && { thinking }) },
        {
          signal: new AbortController().signal,
          turn: async () => {},
          onEvent: event => {
            if (event.type === 'text' || event.type === 'reasoning') told[event.type] += event.text;
          },
        },
      );
      return { ...told, result: text };
    };
    try {
      const plain = await ask(false);
      assert.ok(plain.text !== '' && plain.reasoning === '' && plain.result === plain.text);
      // The template began the thinking, and a random model never ends it.
      const thinking = await ask(true);
      assert.ok(thinking.text === '' && thinking.reasoning !== '' && thinking.result === '');
    } finally {
      await engine.dispose();
    }
  });
});
