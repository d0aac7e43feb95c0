import assert from 'node:assert/strict';
import { toChatMessages, withSystemText } from '../../../../src/host/lm/messages.ts';
import { describeTools, readAnswer, settledLength } from '../../../../src/host/lm/tool-calls.ts';
import { windowShares } from '../../../../src/host/lm/window-shares.ts';

describe('host/lm/messages', () => {
  it('keeps text and tools, joins parts, drops what it can not read', () => {
    assert.deepEqual(
      toChatMessages([
        { role: 3, content: [{ value: 'Be brief.' }] },
        {
          role: 1,
          content: [{ value: 'a' }, { value: 'b' }, { mimeType: 'image/png', data: new Uint8Array(1) }],
        },
        { role: 2, content: [{ callId: '1', name: 'tool', input: {} }] },
        { role: 1, content: [{ callId: '1', content: [{ value: 'result' }] }] },
        { role: 1, content: [{ mimeType: 'image/png' }] },
      ]),
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'a\nb' },
        { role: 'assistant', content: '```tool\n{"name":"tool","arguments":{}}\n```' },
        { role: 'user', content: 'Result of the tool:\nresult' },
      ],
    );
  });

  it('adds to the system message or makes one', () => {
    const user = { role: 'user' as const, content: 'a' };
    assert.deepEqual(withSystemText([user], 's'), [{ role: 'system', content: 's' }, user]);
    assert.deepEqual(withSystemText([{ role: 'system', content: 'x' }, user], 's')[0]?.content, 'x\n\ns');
    assert.deepEqual(withSystemText([user], ''), [user]);
  });
});

describe('host/lm/window-shares', () => {
  it('leaves room for the prompt in a small window too', () => {
    const sizes = [512, 2048, 8192, 32_768].map(windowShares);
    assert.deepEqual(
      sizes.map(({ maxInputTokens, maxOutputTokens }) => [maxInputTokens, maxOutputTokens]),
      [
        [384, 128],
        [1536, 512],
        [6144, 2048],
        [30_720, 2048],
      ],
    );
  });
});

describe('host/lm/tool-calls', () => {
  const properties = { path: { type: 'string' }, n: { type: 'integer' } };
  const tools = [
    {
      name: 'read',
      description: 'Reads a file. Long story.',
      inputSchema: { properties, required: ['path'] },
    },
    { name: 'now', description: 'The time' },
  ];
  const call = { kind: 'call', name: 'read', input: { path: 'a' } };
  const text = (value: string) => ({ kind: 'text', text: value });

  it('describes them briefly', () => {
    const described = describeTools(tools);
    assert.match(described, /^- read\(path: string, n\?: integer\): Reads a file\.$/m);
    assert.match(described, /^- now\(\): The time$/m);
    const unions = {
      properties: {
        list: { anyOf: [{ type: 'array' }, { type: 'null' }] },
        id: { $ref: '#/$defs/Id' },
        any: {},
      },
      $defs: { Id: { type: ['integer', 'string'] } },
    };
    assert.match(
      describeTools([{ name: 'find', description: '', inputSchema: unions }]),
      /^- find\(list\?: array, id\?: integer \| string, any\?: any\)/m,
    );
    assert.equal(describeTools([]), '');
    const many = Array.from({ length: 100 }, (_, i) => ({ name: `t${i}`, description: 'x'.repeat(190) }));
    assert.ok(describeTools(many).length < 7000, 'descriptions have a budget');
    assert.match(describeTools(many), /^- t99\(\)$/m);
  });

  const check = (name: string, answer: string, expected: object[]) =>
    it(name, () => assert.deepEqual(readAnswer(answer, tools), expected));
  const json = '{"name": "read", "arguments": {"path": "a"}}';
  check('a call', `\`\`\`tool\n${json}\n\`\`\``, [call]);
  check('in a block of JSON, with text', `I look.\n\`\`\`json\n${json}\n\`\`\``, [text('I look.\n'), call]);
  check('bare', json, [call]);
  const other = '{"name": "rm", "arguments": {}}';
  check('no tool of that name', other, [text(other)]);
  check('broken off', '```tool\n{"name": "read", "argu', [text('```tool\n{"name": "read", "argu')]);
  check('code is text', '```ts\nf({a: 1});\n```', [text('```ts\nf({a: 1});\n```')]);

  it('shows what can not become a call any more', () => {
    assert.equal(settledLength('I look'), 6);
    assert.equal(settledLength('I look `'), 7);
    assert.equal(settledLength('I look ```to'), 7);
    assert.equal(settledLength(' {"na'), 0);
  });
});
