/** Arguments whose schemas leave their type open, or say it elsewhere, as each dialect writes them. */
import assert from 'node:assert/strict';
import { CallReader } from '../../../src/engine/tools/call-reader.ts';
import type { ToolDialect } from '../../../src/engine/tools/dialect.ts';
import { glm } from '../../../src/engine/tools/glm.ts';
import { hermes } from '../../../src/engine/tools/hermes.ts';
import { qwenCoder } from '../../../src/engine/tools/qwen-coder.ts';
import type { ToolDefinition } from '../../../src/protocol/daemon.ts';

/** Whose arguments may be several things, are described elsewhere, or differ by the form that is chosen. */
const UNIONS: ToolDefinition = {
  name: 'find',
  parameters: {
    properties: {
      tags: { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }] },
      limit: { type: ['integer', 'null'] },
      filter: { $ref: '#/$defs/Filter' },
      name: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      id: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
      paths: { anyOf: [{ type: 'string' }, { type: 'array' }] },
      level: { allOf: [{ $ref: '#/$defs/Level' }] },
      loop: { $ref: '#/$defs/Loop' },
    },
    anyOf: [
      { required: ['tags', 'limit'] },
      { properties: { all: { type: 'boolean' } }, required: ['tags'] },
    ],
    $defs: {
      Filter: { properties: { a: { type: 'integer' } } },
      Level: { enum: [1, 2] },
      Loop: { anyOf: [{ $ref: '#/$defs/Loop' }, { $ref: '#/$defs/Loop' }] },
    },
  },
};

describe('arguments of several types', () => {
  const find = (args: Record<string, unknown>) => [{ kind: 'call', name: 'find', arguments: args }];
  const pairsOf = (args: Record<string, string>, pair: (key: string, value: string) => string) =>
    Object.entries(args)
      .map(([key, value]) => pair(key, value))
      .join('');
  const tagged: [ToolDialect, (args: Record<string, string>) => string][] = [
    [
      glm,
      args =>
        `<tool_call>find${pairsOf(args, (key, value) => `<arg_key>${key}</arg_key><arg_value>${value}</arg_value>`)}</tool_call>`,
    ],
    [
      qwenCoder,
      args =>
        `<tool_call>\n<function=find>\n${pairsOf(args, (key, value) => `<parameter=${key}>\n${value}\n</parameter>\n`)}</function>\n</tool_call>`,
    ],
  ];
  function given(dialect: ToolDialect, text: string) {
    const reader = new CallReader(dialect, [UNIONS]);
    return [...reader.push(text), ...reader.end(false)];
  }

  for (const [dialect, write] of tagged) {
    it(`${dialect.name}: are read as the type that they are written in`, () => {
      const written = { tags: '["a"]', limit: '3', filter: '{"a": 1}', id: '7', paths: '["b"]', level: '2' };
      const args = { tags: ['a'], limit: 3, filter: { a: 1 }, id: 7, paths: ['b'], level: 2 };
      assert.deepEqual(given(dialect, write({ ...written, all: 'true' })), find({ ...args, all: true }));
      assert.deepEqual(
        given(dialect, write({ tags: 'None', limit: 'null', name: 'null' })),
        find({ tags: null, limit: null, name: null }),
      );
    });

    it(`${dialect.name}: are text where they are nothing else`, () => {
      const written = { tags: '[]', name: '["a"]', id: '12345678901234567890', paths: '[WIP] a', loop: '3' };
      assert.deepEqual(given(dialect, write(written)), find({ ...written, tags: [] }));
    });
  }

  const json = (args: Record<string, unknown>) =>
    `<tool_call>\n${JSON.stringify({ name: 'find', arguments: args })}\n</tool_call>`;
  it('hermes: stay what they are, or become what they are meant to be', () => {
    const right = { tags: ['a'], limit: 3, filter: { a: 1 }, id: 7, paths: ['b'] };
    assert.deepEqual(given(hermes, json(right)), find(right));
    const nearly = { tags: '["a"]', limit: '3', filter: '{"a": 1}', id: '7', paths: '["b"]' };
    assert.deepEqual(given(hermes, json(nearly)), find({ ...right, id: '7', paths: '["b"]' }));
  });

  it('are missing where every form of the call requires them', () => {
    const [part] = given(hermes, json({ limit: 3 }));
    assert.match((part as { error: string }).error, /find needs "tags"/);
  });
});
