import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateRequest, runRequest } from '../../../src/engine/generate.ts';
import { loadEngine } from '../../../src/engine/load.ts';
import { reasoningReader } from '../../../src/engine/reasoning.ts';
import { hermes } from '../../../src/engine/tools/hermes.ts';
import type { GrammarParams } from '../../../src/protocol/daemon.ts';
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

  describe('beside a grammar of tools', () => {
    const CALL = '<tool_call>\n{"name": "move", "arguments": {"by": "x"}}\n</tool_call>';
    const parameters = { type: 'object', properties: { by: { type: 'string' } }, required: ['by'] };
    const tools = [{ name: 'move', parameters }];

    /** The answer of a model that wants to write `answer`, each tag as its token, or spelt where it may not; `begun` by the template. */
    async function answer(answer: string, { begun = '', choice }: { begun?: string; choice?: 'required' }) {
      const { core, dispose } = await openTinyCore({ thinks: true });
      const { tokenizer, manifest } = core;
      const textOf = (token: number) => tokenizer.specials.get(token) ?? tokenizer.decode([token]);
      let written: string | null = null;
      const likely = (tokens: number[]): Float32Array => {
        written = written === null ? '' : written + tokens.map(textOf).join('');
        const rest = answer.slice(written.length);
        const logits = new Float32Array(manifest.dims.vocab).fill(-50);
        for (const id of tokenizer.encodePlain(rest.slice(0, 1))) logits[id] = 5;
        for (const [id, literal] of tokenizer.specials) if (rest.startsWith(literal)) logits[id] = 10;
        return logits;
      };
      const worker = {
        request: async (method: string, { tokens, logitRows }: { tokens: number[]; logitRows: number }) => {
          if (method !== 'forward') return {};
          const size = { capacityRows: 1, bytes: 0 };
          return { ...size, logits: logitRows > 0 ? likely(tokens) : null, drafted: [], byAll: true };
        },
      } as unknown as typeof core.worker;
      const asked = { ...core, worker, dialect: hermes };
      const grammar: GrammarParams = { kind: 'tools', tools, ...(choice && { choice }) };
      const messages = [{ role: 'user' as const, content: 'hello' }];
      const limits = { maxTokens: 150, drafts: false };
      const request = { requestId: 'r', messages, grammar, thinking: begun !== '', ...limits };
      let reasoning = '';
      try {
        const { text, calls, finish } = await runRequest(asked, generateRequest(asked, request), {
          signal: new AbortController().signal,
          turn: async () => {},
          onEvent: event => {
            if (event.type === 'reasoning') reasoning += event.text;
          },
        });
        return { text, reasoning, finish, calls: calls?.map(call => call.kind) };
      } finally {
        await dispose();
      }
    }

    const called = { text: CALL, reasoning: 'hm {"', finish: 'stop', calls: ['call'] };
    it('ends where the model ends it', async () => {
      assert.deepEqual(await answer(`hm {"</think>${CALL}<|im_end|>`, { begun: '<think>' }), called);
    });
    it('begins where the model begins it, also where a call has to come', async () => {
      assert.deepEqual(await answer(`<think>hm {"</think>${CALL}<|im_end|>`, { choice: 'required' }), called);
    });
    it('begins in no call', async () => {
      const { text, reasoning } = await answer(`${CALL.replace('x', '<think>x')}<|im_end|>`, {});
      assert.deepEqual([text, reasoning], [CALL.replace('x', '<think>x'), '']);
    });
    it('is no answer, where a call has to come', async () => {
      const { finish } = await answer('hm<|im_end|>', { begun: '<think>', choice: 'required' });
      assert.equal(finish, 'repetition');
    });
  });
});
