import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateRequest } from '../../../src/engine/generate.ts';
import { loadEngine } from '../../../src/engine/load.ts';
import { reasoningReader } from '../../../src/engine/reasoning.ts';
import { openTinyCore } from '../../support/tiny-core.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';

/** Added tokens from id 100 on; what is no added token is text with an id of its own. */
function tokensOf(literals: string[]) {
  const specials = new Map(literals.map((literal, i) => [100 + i, literal]));
  const idOf = (piece: string) => 100 + literals.indexOf(piece);
  return { specials, idOf: (piece: string) => (literals.includes(piece) ? idOf(piece) : 1) };
}

function read(
  literals: string[],
  prompt: string[],
  answer: string[],
  options: Parameters<typeof reasoningReader>[2] = {},
) {
  const { specials, idOf } = tokensOf(literals);
  const reader = reasoningReader(specials, prompt.map(idOf), options);
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
    it('is not the indentation of an answer that goes on', () => {
      const options = { isContinued: true };
      const prompt = ['<think>', '</think>', 'def f():\n'];
      assert.deepEqual(read(TAGS, prompt, ['    ', 'return'], options), ['    return', '']);
    });
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
      'is the call of a tool that nobody offered',
      [
        ...['<|channel|>', 'commentary', ' to=f ', '<|constrain|>', 'json', '<|message|>', '{}', '<|end|>'],
        ...['<|start|>', 'assistant', '<|channel|>', 'final', '<|message|>', 'Done'],
      ],
      ['Done', '{}'],
    );
    check(
      'is not what is said before a call, nor what follows a thought without its end',
      [
        ...['<|channel|>', 'commentary', '<|message|>', 'I look. ', '<|end|>', '<|start|>', 'assistant'],
        ...['<|channel|>', 'analysis', '<|message|>', 'hm', '<|channel|>', 'final', '<|message|>', 'Yes'],
      ],
      ['I look. Yes', 'hm'],
    );
    it('is over where the prompt began the answer', () => {
      const prompt = ['<|start|>', 'assistant', '<|channel|>', 'final', '<|message|>'];
      assert.deepEqual(read(HARMONY, prompt, ['Yes']), ['Yes', '']);
    });

    describe('with tools', () => {
      const BODY = 'functions.f<|message|>{"a": 1}';
      const CALL = `<|channel|>commentary to=${BODY}`;
      const calls = (name: string, answer: string[], expected: string) =>
        it(`has a call ${name}`, () => {
          const thought = [
            '<|channel|>',
            'analysis',
            '<|message|>',
            'hm',
            '<|end|>',
            '<|start|>',
            'assistant',
          ];
          const found = read(HARMONY, ['<|start|>', 'assistant'], [...thought, ...answer], {
            hasCalls: true,
          });
          assert.deepEqual(found, [expected, 'hm']);
        });
      const body = ['<|message|>', '{"a"', ': 1}'];
      const channel = ['<|channel|>', 'commentary'];
      calls('as it is taught', [...channel, ' to=functions.f ', '<|constrain|>', 'json', ...body], CALL);
      calls('to a recipient before the channel', [' to=functions.f', ...channel, ' json', ...body], CALL);
      calls('without the constraint', [...channel, ' to=functions.f', ...body], CALL);
      calls('in the wrong channel', ['<|channel|>', 'analysis', ' to=functions.f code', ...body], CALL);
      calls('with another end', [...channel, ' to=functions.f', ...body, '<|end|>'], `${CALL}<|call|>`);
      calls(
        'that a further message follows',
        [...channel, ' to=functions.f', ...body, '<|start|>', 'assistant', ...channel, '<|message|>', 'So.'],
        `${CALL}<|call|>So.`,
      );
    });
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

  it('goes on with the whitespace that it draws, where the answer was begun for it', async () => {
    const { core, dispose } = await openTinyCore({ thinks: true });
    try {
      const request = { requestId: 'r', messages: [{ role: 'user' as const, content: 'hello' }] };
      const space = core.tokenizer.encodePlain('    ')[0]!;
      const firstText = (answerPrefix?: string) =>
        generateRequest(core, { ...request, ...(answerPrefix && { answerPrefix }) }).reasoning!.push(
          space,
          '    ',
        ).text;
      assert.deepEqual([firstText(), firstText('def f():\n')], ['', '    ']);
    } finally {
      await dispose();
    }
  });

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
