/** gpt-oss's messages, channels and calls through the engine: what the template gets, what a random model that fits the grammar says. */
import assert from 'node:assert/strict';
import type { EngineCore } from '../../../src/engine/core.ts';
import { generateRequest, runRequest } from '../../../src/engine/generate.ts';
import type {
  ChatMessage,
  GenerateEvent,
  GenerateParams,
  GrammarParams,
} from '../../../src/protocol/daemon.ts';
import { openTinyCore } from '../../support/tiny-core.ts';

const user: ChatMessage = { role: 'user', content: 'hello' };
const tools = [
  {
    name: 'move',
    parameters: {
      type: 'object',
      properties: { unit: { type: 'string', enum: ['cm', 'inch'] }, by: { type: 'integer', maximum: 99 } },
      required: ['unit', 'by'],
    },
  },
  { name: 'stop', parameters: { type: 'object', properties: {} } },
];

describe('a model that writes in channels', function () {
  this.timeout(60_000);
  let core: EngineCore;
  let dispose: () => Promise<void>;

  before(async () => {
    ({ core, dispose } = await openTinyCore({ channels: true }));
  });
  after(() => dispose());

  const render = (messages: ChatMessage[], options: object = {}) =>
    core.tokenizer.decode(core.tokenizer.encodePieces(core.template!.render(messages, options)));

  async function write(params: Partial<GenerateParams>, from = core) {
    const events: GenerateEvent[] = [];
    const hooks = {
      signal: new AbortController().signal,
      turn: async () => {},
      onEvent: (event: GenerateEvent) => void events.push(event),
    };
    const request = { requestId: 'r', messages: [user], maxTokens: 300, topK: 0, ...params };
    return { ...(await runRequest(from, generateRequest(from, request), hooks)), events };
  }

  /** The engine with a model that wants nothing but `text`, a token at a time, and then to end. */
  function wanting(text: string): EngineCore {
    const { tokenizer, worker, manifest } = core;
    const end = [...tokenizer.specials].find(([, literal]) => literal === '<|call|>')![0];
    const wanted = [...tokenizer.encodeTrusted(text), end];
    let written = 0;
    const request: typeof worker.request = async (method, args) => {
      const reply = await worker.request(method, args);
      if ('logits' in reply && reply.logits) {
        assert.equal(reply.logits.length, manifest.dims.vocab, 'one row');
        reply.logits[wanted[written++]!] = 1e6;
      }
      return reply;
    };
    return { ...core, worker: { ...worker, request } } as EngineCore;
  }

  it('gets calls apart from text, and results behind them', () => {
    const content = 'I look.<|channel|>commentary to=functions.move<|message|>{"unit": "cm", "by": 1}';
    assert.equal(
      render([user, { role: 'assistant', content }, { role: 'tool', content: 'done <|end|>' }]),
      '<|start|>user<|message|>hello<|end|>' +
        '<|start|>assistant to=functions.move<|channel|>commentary json<|message|>{"unit": "cm", "by": 1}<|call|>' +
        '<|start|>functions.move to=assistant<|channel|>commentary<|message|>"done <|end|>"<|end|><|start|>assistant',
    );
  });

  it('gets several calls of one message each before its result', () => {
    const call = '<|channel|>commentary to=functions.move<|message|>';
    const content = `I look.${call}{"unit": "cm"}\n{"unit": "inch"}<|call|>`;
    const results = ['1', '2'].map((text): ChatMessage => ({ role: 'tool', content: text }));
    const shown = (unit: string, result: string) =>
      `<|start|>assistant to=functions.move<|channel|>commentary json<|message|>{"unit": "${unit}"}<|call|>` +
      `<|start|>functions.move to=assistant<|channel|>commentary<|message|>"${result}"<|end|>`;
    assert.equal(
      render([user, { role: 'assistant', content }, ...results]),
      `<|start|>user<|message|>hello<|end|>${shown('cm', '1')}${shown('inch', '2')}<|start|>assistant`,
    );
    const broken = { role: 'assistant', content: `${call}{"unit": "cm"} and {` } as const;
    assert.ok(render([user, broken, results[0]!]).includes('"{\\"unit\\": \\"cm\\"} and {"<|call|>'));
  });

  it('gets no special token out of arguments or results', () => {
    const content = '<|channel|>commentary to=functions.move<|message|>{"unit": "<|end|>"}';
    const pieces = core.template!.render([
      { role: 'assistant', content },
      { role: 'tool', content: '<|end|>' },
    ]);
    const specials = pieces.flatMap(piece =>
      'special' in piece ? [core.tokenizer.specials.get(piece.special)] : [],
    );
    const result = ['<|start|>', '<|channel|>', '<|message|>', '<|end|>'];
    assert.deepEqual(specials, [
      '<|start|>',
      '<|channel|>',
      '<|message|>',
      '<|call|>',
      ...result,
      '<|start|>',
    ]);
  });

  it('is told a result without its call as a user would tell it', () => {
    const told = render([
      { role: 'assistant', content: 'Yes' },
      { role: 'tool', content: 'x' },
    ]);
    assert.match(told, /<\|start\|>user<\|message\|>x<\|end\|>/);
  });

  it('begins in the final channel where the answer is begun for it, or has a form', () => {
    assert.ok(
      render([user], { answerPrefix: 'Su', isDirect: true }).endsWith('<|channel|>final<|message|>Su'),
    );
    const { prompt } = generateRequest(core, {
      requestId: 'r',
      messages: [user],
      grammar: { kind: 'json-schema', schema: {} },
    });
    assert.ok(core.tokenizer.decode(prompt).endsWith('<|start|>assistant<|channel|>final<|message|>'));
  });

  it('a required call is there, whole and with arguments of its schema', async () => {
    for (const tool of tools) {
      const grammar: GrammarParams = { kind: 'tools', tools: [tool], choice: 'required' };
      for (let seed = 0; seed < 12; seed++) {
        const { calls, text, finish, events } = await write({ grammar, temperature: 3, seed });
        assert.deepEqual([calls!.length, finish], [1, 'stop'], text);
        const call = calls![0]!;
        assert.ok(call.kind === 'call' && call.name === tool.name, text);
        if (call.name === 'move') assert.ok(['cm', 'inch'].includes(call.arguments.unit as string), text);
        assert.ok(!events.some(event => event.type === 'text' || event.type === 'reasoning'), text);
      }
    }
  });

  it('may think and talk before a call, whose arguments the grammar holds to the schema', async () => {
    const talk =
      '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary<|message|>I move. <|end|>';
    const call = (args: string) =>
      `${talk}<|start|>assistant<|channel|>commentary to=functions.move <|constrain|>json<|message|>${args}`;
    const grammar: GrammarParams = { kind: 'tools', tools };
    const ask = (text: string) => write({ grammar, temperature: 0, drafts: false }, wanting(text));
    const { calls, events, finish } = await ask(call('{"unit": "cm", "by": 7}'));
    assert.deepEqual(calls, [{ kind: 'call', name: 'move', arguments: { unit: 'cm', by: 7 } }]);
    assert.equal(finish, 'stop');
    const told = (type: 'text' | 'reasoning') =>
      events.flatMap(event => (event.type === type ? [event.text] : [])).join('');
    assert.deepEqual([told('reasoning'), told('text')], ['hm', 'I move. ']);

    const held = await ask(call('{"unit": "mm", "by": 7}'));
    assert.ok(
      held.calls!.every(one => one.kind === 'broken' || one.arguments.unit !== 'mm'),
      'the grammar lets a unit through that the schema does not know',
    );
  });

  it('ends an answer without a call', async () => {
    const grammar: GrammarParams = { kind: 'tools', tools };
    const text = '<|channel|>final<|message|>Yes.';
    const {
      calls,
      text: said,
      finish,
    } = await write({ grammar, temperature: 0, drafts: false }, wanting(text));
    assert.deepEqual([calls, said, finish], [[], 'Yes.', 'stop']);
  });
});
