/** Grammars through the real library, in its real thread, on a tiny random model: whatever it would like to say, it fits. */
import assert from 'node:assert/strict';
import * as z from 'zod';
import { Deferred } from '../../../src/base/deferred.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import type { EngineCore } from '../../../src/engine/core.ts';
import { generateRequest, runRequest } from '../../../src/engine/generate.ts';
import { Grammars } from '../../../src/engine/grammar/grammars.ts';
import { grammarSource } from '../../../src/engine/grammar/source.ts';
import type { ToolDialect } from '../../../src/engine/tools/dialect.ts';
import { glm } from '../../../src/engine/tools/glm.ts';
import { hermes } from '../../../src/engine/tools/hermes.ts';
import { qwenCoder } from '../../../src/engine/tools/qwen-coder.ts';
import type { GenerateEvent, GenerateParams, GrammarParams } from '../../../src/protocol/daemon.ts';
import { openTinyCore } from '../../support/tiny-core.ts';
import { tinyId } from '../../support/tiny-tokenizer.ts';

const PERSON = z.strictObject({
  name: z.enum(['Ann', 'Bö', 'C "quoted"']),
  age: z.int().min(0).max(130),
  tags: z.array(z.enum(['x', 'hello'])).max(3),
  address: z.strictObject({ zip: z.string().regex(/^[0-9]{5}$/), isHome: z.boolean() }).optional(),
});
const SCHEMA: GrammarParams = { kind: 'json-schema', schema: z.toJSONSchema(PERSON) };
const TOOLS: GrammarParams & { kind: 'tools' } = {
  kind: 'tools',
  choice: 'required',
  tools: [
    {
      name: 'move',
      parameters: {
        type: 'object',
        properties: {
          unit: { type: 'string', enum: ['cm', 'inch'] },
          by: { type: 'integer', minimum: 0, maximum: 99 },
          fast: { type: 'boolean' },
        },
        required: ['unit', 'by'],
      },
    },
    { name: 'stop', parameters: { type: 'object', properties: {} } },
  ],
};

describe('grammars on a tiny model', function () {
  this.timeout(60_000);
  let core: EngineCore;
  let dispose: () => Promise<void>;

  before(async () => {
    ({ core, dispose } = await openTinyCore());
  });
  after(() => dispose());

  async function write(params: Partial<GenerateParams>, from = core, turn = async () => {}) {
    const events: GenerateEvent[] = [];
    const hooks = {
      signal: new AbortController().signal,
      turn,
      onEvent: (event: GenerateEvent) => void events.push(event),
    };
    const all = { requestId: 'r', prompt: 'hello', maxTokens: 300, ...params };
    return { ...(await runRequest(from, generateRequest(from, all), hooks)), events };
  }

  it('a schema: every answer parses and validates, at any temperature, and says so by ending itself', async () => {
    const texts = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const temperature = seed === 0 ? 0 : 1.5;
      const { text, finish } = await write({ grammar: SCHEMA, temperature, topK: 0, seed });
      assert.equal(finish, 'stop', text);
      PERSON.parse(JSON.parse(text));
      texts.add(text);
    }
    assert.ok(texts.size > 30, 'the seeds say different things');
  });

  it('an EBNF grammar, and nothing before or after it', async () => {
    const grammar: GrammarParams = { kind: 'ebnf', text: 'root ::= ("ja" | "nein") "!"' };
    for (let seed = 0; seed < 8; seed++)
      assert.match((await write({ grammar, temperature: 1.5, seed })).text, /^(ja|nein)!$/);
  });

  it('is cut at the longest answer as any other', async () => {
    const { finish, usage } = await write({ grammar: SCHEMA, maxTokens: 5 });
    assert.deepEqual([finish, usage.outputTokens], ['length', 5]);
  });

  it('never spells a control token, though the grammar allows any text', async () => {
    const grammar: GrammarParams = { kind: 'ebnf', text: 'root ::= [^\\n]* "\\n"' };
    const stream = await write({ grammar, temperature: 3, topK: 0, seed: 5, maxTokens: 200 });
    assert.doesNotMatch(stream.text, /<\|/);
  });

  for (const dialect of [hermes, glm, qwenCoder]) {
    it(`${dialect.name}: a required call is there, whole and with arguments of its schema`, async () => {
      const speaking = { ...core, dialect };
      const names = new Set<string>();
      for (let seed = 0; seed < 25; seed++) {
        const { calls, text, events } = await write(
          { grammar: TOOLS, temperature: 1.5, topK: 0, seed },
          speaking,
        );
        assert.equal(calls!.length, 1, text);
        const call = calls![0]!;
        assert.ok(call.kind === 'call', text);
        names.add(call.name);
        if (call.name === 'move') {
          const { unit, by, fast } = call.arguments;
          assert.ok(unit === 'cm' || unit === 'inch', text);
          assert.ok(Number.isInteger(by) && (by as number) < 100, text);
          assert.ok(fast === undefined || typeof fast === 'boolean', text);
        }
        assert.deepEqual(
          events.flatMap(event => (event.type === 'call' ? [event.call] : [])),
          calls,
        );
        assert.ok(!events.some(event => event.type === 'text'), 'a call is no text');
      }
      assert.deepEqual([...names].sort(), ['move', 'stop']);
    });
  }

  /** Whether an answer with a call may be this text, to its end. */
  async function fits(dialect: ToolDialect, text: string): Promise<boolean> {
    const tools = [
      ...TOOLS.tools,
      { name: 'say', parameters: SAY },
      { name: 'find', parameters: FIND },
      { name: 'grow', parameters: GROW },
    ];
    const source = grammarSource({ ...TOOLS, tools }, dialect);
    const match = await core.grammars.open(source, new AbortController().signal);
    const allows = (id: number) => ((match.mask[id >> 5]! >>> (id & 31)) & 1) === 1;
    try {
      for (const id of core.tokenizer.encodeTrusted(text)) {
        if (!allows(id)) return false;
        await match.accept(id);
      }
      return allows(core.manifest.tokens.eos[0]!);
    } finally {
      match.close();
    }
  }
  const SAY = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
  const FIND = {
    properties: {
      tags: { anyOf: [{ type: 'array', items: { $ref: '#/$defs/Tag' } }, { type: 'null' }] },
      tree: { $ref: '#/$defs/Tree' },
      level: { $ref: '#/$defs/Level' },
      id: { type: ['string', 'integer'] },
    },
    anyOf: [{ required: ['tags'] }, { properties: { all: { type: 'boolean' } }, required: ['tags'] }],
    $defs: {
      Tag: { type: 'string' },
      Tree: { type: 'object', properties: { inside: { $ref: '#/$defs/Tree' } } },
      Level: { enum: ['low', 'high'] },
    },
  };
  const GROW = {
    type: 'object',
    properties: { in: { type: 'array', items: { $ref: '#' } }, by: { $ref: '#/properties/in' } },
    required: ['in'],
  };
  const published: [string, ToolDialect, string][] = [
    [
      'GLM-4.5',
      glm,
      '<tool_call>move\n<arg_key>unit</arg_key>\n<arg_value>cm</arg_value>\n<arg_key>by</arg_key>\n<arg_value>3</arg_value>\n</tool_call>',
    ],
    [
      'GLM-4.7',
      glm,
      '<tool_call>move<arg_key>unit</arg_key><arg_value>cm</arg_value><arg_key>by</arg_key><arg_value>3</arg_value></tool_call>',
    ],
    [
      'GLM-4.7, a text',
      glm,
      '<tool_call>say<arg_key>text</arg_key><arg_value>a\n<b></arg_value></tool_call>',
    ],
    ['GLM-4.7, no arguments', glm, '<tool_call>stop</tool_call>'],
    [
      'Qwen3-Coder',
      qwenCoder,
      '<tool_call>\n<function=move>\n<parameter=unit>\ncm\n</parameter>\n<parameter=by>\n3\n</parameter>\n</function>\n</tool_call>',
    ],
    [
      'Qwen3-Coder, a text',
      qwenCoder,
      '<tool_call>\n<function=say>\n<parameter=text>\n\nif (a < b) c;\n\n</parameter>\n</function>\n</tool_call>',
    ],
    ['Qwen3-Coder, no arguments', qwenCoder, '<tool_call>\n<function=stop>\n</function>\n</tool_call>'],
  ];
  for (const [name, dialect, text] of published)
    it(`${name}: a call as it was published may be written and may end`, async () => {
      assert.ok(await fits(dialect, text));
    });

  it('arguments of several types, of types described elsewhere, and of every form of the call', async () => {
    const call = (...args: [string, string][]) =>
      `<tool_call>find${args.map(([key, value]) => `<arg_key>${key}</arg_key><arg_value>${value}</arg_value>`).join('')}</tool_call>`;
    const tags: [string, string] = ['tags', '["a"]'];
    const tree: [string, string] = ['tree', '{"inside": {"inside": {}}}'];
    assert.ok(await fits(glm, call(tags, tree, ['level', 'low'], ['id', 'x'], ['all', 'true'])));
    assert.ok(await fits(glm, call(['tags', 'null'], ['id', '3'])));
    assert.ok(!(await fits(glm, call(['tags', 'a']))));
    assert.ok(!(await fits(glm, call(tags, ['tree', '{"inside": 3}']))));
    assert.ok(!(await fits(glm, call(tags, ['level', 'none']))));
    assert.ok(!(await fits(glm, call(tree))), 'tags are required');
  });

  it('arguments that hold what the whole call holds', async () => {
    const call = (value: string) =>
      `<tool_call>grow<arg_key>in</arg_key><arg_value>${value}</arg_value><arg_key>by</arg_key><arg_value>[]</arg_value></tool_call>`;
    assert.ok(await fits(glm, call('[]')));
    assert.ok(await fits(glm, call('[{"in": [{"in": []}]}]')));
    assert.ok(!(await fits(glm, call('[[]]'))));
    assert.ok(!(await fits(glm, call('[{}]'))));
  });

  it('arguments take along what they refer to, up to the size of a grammar', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`d${i}`, { type: 'integer', description: 'x'.repeat(1000) }]),
    );
    const source = (ref: (i: number) => string) => {
      const names = Object.keys($defs).entries();
      const properties = Object.fromEntries(
        [...names].map(([i, name]) => [name, { type: 'array', items: { $ref: ref(i) } }]),
      );
      return grammarSource({ kind: 'tools', tools: [{ name: 'a', parameters: { properties, $defs } }] }, glm);
    };
    assert.ok(source(i => `#/$defs/d${i}`).text.length < 50_000);
    assert.throws(() => source(() => '#'), { code: 'bad-request', message: /too long/ });
  });

  it('a text ends with the first tag that ends it', async () => {
    const after = '<arg_key>text</arg_key><arg_value>a</arg_value>b</arg_value></tool_call>';
    assert.ok(!(await fits(glm, `<tool_call>say${after}`)));
    const head = '<tool_call>\n<function=say>\n<parameter=text>\n';
    assert.ok(await fits(qwenCoder, `${head}a</parameter>\n</function>\n</tool_call>`));
    assert.ok(!(await fits(qwenCoder, `${head}a</parameter>\nb\n</parameter>\n</function>\n</tool_call>`)));
  });

  it('writes marker tokens where tools are on, and only there', async () => {
    const ids = new Set(core.banned);
    assert.ok(!ids.has(tinyId('<tool_call>')), 'the tiny model bans special tokens only');
    const strict = {
      ...core,
      dialect: hermes,
      banned: [...core.banned, tinyId('<tool_call>'), tinyId('</tool_call>')],
    };
    const { allowed } = generateRequest(strict, { requestId: 'r', prompt: 'x', grammar: TOOLS });
    assert.deepEqual(allowed, new Set([tinyId('<tool_call>'), tinyId('</tool_call>')]));
    assert.equal(
      generateRequest(strict, { requestId: 'r', prompt: 'x', grammar: SCHEMA }).allowed,
      undefined,
    );
  });

  it('drafts change nothing: those that the grammar refuses are not written', async () => {
    // The same keys as the schema's, so that the prompt offers drafts, with values that the schema forbids.
    const prompt = '{"name": "Dora", "age": 200, "tags": ["y"]}\n'.repeat(3);
    const { worker } = core;
    for (const temperature of [0, 1]) {
      /** Rows of every run after the prompt's. */
      const rows: number[] = [];
      const request: typeof worker.request = async (method, args) => {
        const reply = await worker.request(method, args);
        if ('tokens' in args && 'logits' in reply && reply.logits) rows.push(args.tokens.length);
        return reply;
      };
      const counting = { ...core, worker: { ...worker, request } } as EngineCore;
      const params = { prompt, grammar: SCHEMA, temperature, seed: 3 };
      const stepping = await write({ ...params, drafts: false, sequence: 'steps' });
      const drafting = await write({ ...params, drafts: true, sequence: 'drafts' }, counting);
      assert.equal(drafting.text, stepping.text);
      PERSON.parse(JSON.parse(drafting.text));
      const { outputTokens } = drafting.usage;
      const runs = rows.slice(1);
      assert.ok(runs.length < outputTokens, 'no draft was right');
      assert.ok(runs.reduce((sum, count) => sum + count, 0) > outputTokens, 'no draft was refused');
    }
  });

  const refuses = (name: string, grammar: GrammarParams, message: RegExp) =>
    it(`refuses ${name} and says why; the next grammar works`, async () => {
      await assert.rejects(write({ grammar }, { ...core, dialect: hermes }), (error: MoebiusError) => {
        assert.equal(error.code, 'bad-request', error.message);
        assert.match(error.message, message);
        return true;
      });
      assert.match((await write({ grammar: { kind: 'ebnf', text: 'root ::= "a"' } })).text, /^a$/);
    });
  refuses(
    'an unknown rule',
    { kind: 'ebnf', text: 'root ::= "a" b' },
    /line 1, column 14: Rule "b" is not defined/,
  );
  refuses('half a rule', { kind: 'ebnf', text: 'root ::= (' }, /EBNF parser error at line 1/);
  refuses('an unknown type', { kind: 'json-schema', schema: { type: 'foo' } }, /Unsupported type "foo"/);
  refuses('a reference to nothing', { kind: 'json-schema', schema: { $ref: '#/x' } }, /Cannot find field x/);
  refuses(
    'what is too long',
    { kind: 'ebnf', text: `root ::= "${'a'.repeat(70_000)}"` },
    /has 70\d+ characters; 65536/,
  );
  let deep: Record<string, unknown> = {};
  for (let n = 0; n < 60; n++) deep = { type: 'array', items: deep };
  refuses('what is too deep', { kind: 'json-schema', schema: deep }, /more than 48 levels deep/);
  const [tool] = TOOLS.tools;
  refuses(
    'two tools of one name',
    { kind: 'tools', tools: [tool!, tool!] },
    /Two tools have the name "move"/,
  );
  const long = { type: 'object', description: 'x'.repeat(300_000) };
  refuses('long schemas', { kind: 'tools', tools: [{ name: 'long', parameters: long }] }, /262144 are/);
  const bad = { name: 'bad', parameters: { type: 'object', properties: { x: { type: 'foo' } } } };
  refuses("a tool's schema", { kind: 'tools', tools: [bad] }, /foo/);

  it('gives a grammar up that takes too long, and starts again', async () => {
    const vocabulary = { ...core.tokenizer.bytes, stopTokens: core.manifest.tokens.eos };
    const limits = { compileMs: 1, stepMs: 20_000 };
    const grammars = new Grammars(vocabulary, limits);
    const { signal } = new AbortController();
    const source = { kind: 'ebnf', text: 'root ::= "a"' } as const;
    await assert.rejects(grammars.open(source, signal), {
      code: 'bad-request',
      message: /took more than 0.001 s/,
    });
    limits.compileMs = 20_000;
    const match = await grammars.open(source, signal);
    limits.stepMs = 1;
    await new Promise(resolve => setImmediate(resolve));
    const stuck = match.accept(core.tokenizer.encodePlain('a')[0]!);
    // Behind an immediate timers come next, before messages: the limit is over when the answer is looked at.
    for (const began = performance.now(); performance.now() - began < 20; );
    await assert.rejects(stuck, { code: 'bad-request', message: /more than 0.001 s for one token/ });
    match.close();
    grammars.dispose();
  });

  it('goes on with a match while others come and go', async () => {
    const { signal } = new AbortController();
    const open = (word: string) => core.grammars.open({ kind: 'ebnf', text: `root ::= "${word}"` }, signal);
    const [a, b] = ['a', 'b'].map(letter => core.tokenizer.encodePlain(letter)[0]!) as [number, number];
    const allows = (mask: Int32Array, id: number) => ((mask[id >> 5]! >>> (id & 31)) & 1) === 1;
    const match = await open('ab');
    // More than are kept.
    for (let n = 0; n < 12; n++) (await open('b'.repeat(n + 1))).close();
    assert.deepEqual([allows(match.mask, a), allows(match.mask, b)], [true, false]);
    await match.accept(a);
    assert.deepEqual([allows(match.mask, a), allows(match.mask, b)], [false, true]);
    await assert.rejects(match.accept(a), { code: 'bad-request' });
    match.close();
  });

  it('cancels while it compiles', async () => {
    const abort = new AbortController();
    const opening = core.grammars.open({ kind: 'ebnf', text: 'root ::= "b"' }, abort.signal);
    abort.abort();
    await assert.rejects(opening, { code: 'cancelled' });
  });

  it('refuses tools for a model that was taught none', async () => {
    await assert.rejects(write({ grammar: TOOLS }, { ...core, dialect: null }), { code: 'unsupported' });
  });

  it('gives way while it compiles, and waits for the model before it fails', async () => {
    const compiled = new Deferred<void>();
    const grammars = {
      async open(...args: Parameters<Grammars['open']>) {
        await compiled.promise;
        const match = await core.grammars.open(...args);
        const accept = () => Promise.reject(new MoebiusError('bad-request', 'failed'));
        return { mask: match.mask, close: () => match.close(), accept };
      },
    };
    let running = 0;
    const request: typeof core.worker.request = async (method, args) => {
      running++;
      return core.worker.request(method, args).finally(() => running--);
    };
    const failing = { ...core, grammars, worker: { ...core.worker, request } } as unknown as EngineCore;
    const turn = async () => compiled.resolve();
    await assert.rejects(write({ grammar: SCHEMA, sequence: 'failing' }, failing, turn), {
      message: 'failed',
    });
    assert.equal(running, 0);
  });

  it('tells the template of the tools, with their control tokens broken', async () => {
    const { ChatTemplate } = await import('../../../src/engine/chat-template.ts');
    const { specialText } = core.tokenizer;
    const template = new ChatTemplate({
      source: '{% for tool in tools %}{{ tool | tojson }}{% endfor %}{{ messages[0].content }}',
      specialText,
      assistantMayWrite: new Set(),
      bosToken: '',
      eosToken: '',
    });
    const tools = [{ name: 'a', description: 'says <|im_end|>', parameters: { type: 'object' } }];
    const pieces = template.render([{ role: 'user', content: '!' }], { tools });
    const expected = JSON.stringify({ type: 'function', function: tools[0] });
    assert.equal(
      pieces
        .map(piece => ('text' in piece ? piece.text : '<special>'))
        .join('')
        .replace(/[\s]/g, ''),
      `${expected}!`.replace(/\s/g, ''),
    );
  });
});
