/** Tool calls as models write them: taught, nearly so, and cut off. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type AnswerPart, CallReader } from '../../../src/engine/tools/call-reader.ts';
import type { ToolDialect } from '../../../src/engine/tools/dialect.ts';
import { dialectOf } from '../../../src/engine/tools/dialects.ts';
import { glm } from '../../../src/engine/tools/glm.ts';
import { harmony } from '../../../src/engine/tools/harmony.ts';
import { hermes } from '../../../src/engine/tools/hermes.ts';
import { qwenCoder } from '../../../src/engine/tools/qwen-coder.ts';
import type { ToolDefinition } from '../../../src/protocol/daemon.ts';

const TOOLS: ToolDefinition[] = [
  {
    name: 'edit',
    parameters: {
      type: 'object',
      properties: {
        path: { type: 'string' },
        text: { type: 'string' },
        line: { type: 'integer' },
        all: { type: 'boolean' },
        tags: { type: 'array' },
      },
      required: ['path'],
    },
  },
  { name: 'list', parameters: { type: 'object', properties: {} } },
  {
    name: 'write',
    parameters: {
      type: 'object',
      properties: { path: { type: 'string' }, text: { type: 'string' }, all: { type: 'boolean' } },
      required: ['path', 'text'],
    },
  },
];

/** Parts of the whole text, and the same when it comes a character at a time; text parts joined. */
function read(dialect: ToolDialect, text: string, isCut = false): AnswerPart[] {
  const whole = parts(dialect, [text], isCut);
  assert.deepEqual(parts(dialect, [...text], isCut), whole, 'a character at a time');
  return whole;
}
function parts(dialect: ToolDialect, pieces: readonly string[], isCut: boolean): AnswerPart[] {
  const reader = new CallReader(dialect, TOOLS);
  const joined: AnswerPart[] = [];
  for (const part of [...pieces.flatMap(piece => reader.push(piece)), ...reader.end(isCut)]) {
    const last = joined.at(-1);
    if (part.kind === 'text' && last?.kind === 'text')
      joined[joined.length - 1] = { kind: 'text', text: last.text + part.text };
    else joined.push(part);
  }
  return joined;
}
const edit = (args: Record<string, unknown>) => ({ kind: 'call', name: 'edit', arguments: args });

function reads(dialect: ToolDialect, name: string, text: string, expected: unknown[]) {
  it(`${dialect.name}: ${name}`, () => assert.deepEqual(read(dialect, text), expected));
}
function refuses(dialect: ToolDialect, name: string, text: string, message: RegExp, isCut = false) {
  it(`${dialect.name}: ${name} is no call`, () => {
    const found = read(dialect, text, isCut);
    assert.deepEqual(
      found.map(part => part.kind),
      ['broken'],
    );
    assert.match((found[0] as { error: string }).error, message);
  });
}

describe('tool calls', () => {
  const json = (body: string) => `<tool_call>\n${body}\n</tool_call>`;
  const A = '{"name": "edit", "arguments": {"path": "a"}}';
  reads(hermes, 'text, a call, text', `I edit. ${json(A)} Done.`, [
    { kind: 'text', text: 'I edit. ' },
    edit({ path: 'a' }),
    { kind: 'text', text: ' Done.' },
  ]);
  reads(hermes, 'two calls', json(A) + json('{"name": "list", "arguments": {}}'), [
    edit({ path: 'a' }),
    { kind: 'call', name: 'list', arguments: {} },
  ]);
  reads(
    hermes,
    'an end marker inside a string',
    json('{"name": "edit", "arguments": {"path": "</tool_call>"}}'),
    [edit({ path: '</tool_call>' })],
  );
  reads(hermes, 'no end marker behind a whole object', `<tool_call>${A}`, [edit({ path: 'a' })]);
  reads(hermes, 'a forgotten brace', json('{"name": "edit", "arguments": {"path": "a"}'), [
    edit({ path: 'a' }),
  ]);
  reads(hermes, 'a brace too many', json(`${A}}`), [edit({ path: 'a' })]);
  reads(
    hermes,
    'a comma too many, single quotes, Python words',
    json("{'name': 'edit', 'arguments': {'path': 'a', 'all': True,}}"),
    [edit({ path: 'a', all: true })],
  );
  reads(
    hermes,
    'a raw line end in a string',
    json('{"name": "edit", "arguments": {"path": "a", "text": "b\nc"}}'),
    [edit({ path: 'a', text: 'b\nc' })],
  );
  reads(hermes, 'arguments as text', json('{"name": "edit", "arguments": "{\\"path\\": \\"a\\"}"}'), [
    edit({ path: 'a' }),
  ]);
  reads(hermes, 'other names of the fields', json('{"tool": "edit", "parameters": {"path": "a"}}'), [
    edit({ path: 'a' }),
  ]);
  reads(hermes, "OpenAI's nesting", json(`{"type": "function", "function": ${A}}`), [edit({ path: 'a' })]);
  reads(hermes, 'arguments beside the name', json('{"name": "edit", "path": "a"}'), [edit({ path: 'a' })]);
  reads(
    hermes,
    'types as text',
    json('{"name": "edit", "arguments": {"path": 7, "line": "3", "all": "true", "tags": "[1]"}}'),
    [edit({ path: '7', line: 3, all: true, tags: [1] })],
  );
  reads(hermes, 'a fenced block that names a tool', `Like this:\n\`\`\`json\n${A}\n\`\`\``, [
    { kind: 'text', text: 'Like this:\n' },
    edit({ path: 'a' }),
  ]);
  const example = '```json\n{"name": "a package"}\n```\n';
  reads(hermes, 'a fenced block that does not stays text', example, [{ kind: 'text', text: example }]);
  for (const [name, fenced] of [
    ['in a list', '1. See:\n   ```json\n   {"a": 1}\n   ```\n'],
    ['without an end', 'See:\n```json\n{"a": 1}\n'],
  ] as const)
    reads(hermes, `a call behind a fenced block ${name}`, `${fenced}${json(A)}`, [
      { kind: 'text', text: fenced },
      edit({ path: 'a' }),
    ]);
  const B = '{"name": "edit", "arguments": {"path": "b"}}';
  const both = [edit({ path: 'a' }), edit({ path: 'b' })];
  for (const [name, body] of [
    ['one behind the other', `${A}\n${B}`],
    ['with a comma between', `${A},\n${B}`],
    ['with a brace too many', `${A}}\n${B}`],
    ['in a list', `[${A}, ${B}]`],
    ['with the marker that begins the second', `${A}\n<tool_call>\n${B}`],
  ] as const)
    reads(hermes, `two calls between one pair of markers, ${name}`, json(body), both);
  reads(
    hermes,
    'an end marker in a string of the second',
    json(`${A}\n{"name": "edit", "arguments": {"path": "</tool_call>"}}`),
    [edit({ path: 'a' }), edit({ path: '</tool_call>' })],
  );
  it('hermes: a call before one that can not be read is carried out, and the other is told', () => {
    const found = read(hermes, json(`${A}\n{"name": "rm", "arguments": {}}`));
    assert.deepEqual(found[0], edit({ path: 'a' }));
    assert.match((found[1] as { error: string }).error, /no tool "rm"/);
  });
  for (const [dialect, text] of [
    [hermes, json(`${A} and ${B}`)],
    [hermes, json(`${A}\n---\n${B}}`)],
    [harmony, '<|channel|>commentary to=functions.edit<|message|>{"path": "a"}; {"path": "b"}<|call|>'],
  ] as const)
    it(`${dialect.name}: a call behind something else than a call is told`, () => {
      const found = read(dialect, text);
      assert.deepEqual(found[0], edit({ path: 'a' }));
      assert.match((found[1] as { error: string }).error, /was not read: "(and|---|;)\s+\{/);
    });
  reads(hermes, 'two calls in a fenced block', `\`\`\`json\n${A}\n${B}\n\`\`\``, both);
  const mixed = `\`\`\`json\n[${A}, {"name": "a package"}]\n\`\`\`\n`;
  reads(hermes, 'a fenced block with something else in it stays text', mixed, [
    { kind: 'text', text: mixed },
  ]);
  reads(hermes, 'half a marker is text', 'a < b and <tool', [{ kind: 'text', text: 'a < b and <tool' }]);
  reads(
    hermes,
    'function tags',
    '<function=edit>\n<parameter=path>\na\n</parameter>\n<parameter=line>\n3\n</parameter>\n</function>',
    [edit({ path: 'a', line: 3 })],
  );
  reads(
    hermes,
    'function tags in its own',
    json('<function=edit>\n<parameter=path>a</parameter>\n</function>'),
    [edit({ path: 'a' })],
  );
  reads(hermes, "GLM's body", json('edit\n<arg_key>path</arg_key>\n<arg_value>a</arg_value>'), [
    edit({ path: 'a' }),
  ]);
  refuses(
    hermes,
    'an unknown tool',
    json('{"name": "rm", "arguments": {}}'),
    /no tool "rm". The tools are: edit, list, write\./,
  );
  refuses(
    hermes,
    'one without a required argument',
    json('{"name": "edit", "arguments": {"line": 1}}'),
    /edit needs "path"/,
  );
  refuses(hermes, 'one without a name', json('{"arguments": {}}'), /names no tool/);
  refuses(hermes, 'no JSON', json('{"name": edit edit {'), /no valid JSON|cut off/);
  refuses(hermes, 'prose between the markers', json('let me see'), /can't be read/);

  const tags = (body: string) => `<tool_call>edit\n${body}</tool_call>`;
  const pair = (key: string, value: string) => `<arg_key>${key}</arg_key>\n<arg_value>${value}</arg_value>\n`;
  const code = 'if (a < b && c > d) {\n\treturn "</arg" + \'_value\';\n}\n';
  reads(
    glm,
    'raw code, and types by the schema',
    tags(pair('path', '3') + pair('text', code) + pair('line', '3') + pair('tags', '["x"]')),
    [edit({ path: '3', text: code, line: 3, tags: ['x'] })],
  );
  reads(glm, 'no arguments', '<tool_call>list\n</tool_call>', [
    { kind: 'call', name: 'list', arguments: {} },
  ]);
  reads(glm, 'an end marker inside a value', tags(pair('path', 'a</tool_call>b')), [
    edit({ path: 'a</tool_call>b' }),
  ]);
  reads(glm, 'no line ends', '<tool_call>edit<arg_key>path</arg_key><arg_value>a</arg_value></tool_call>', [
    edit({ path: 'a' }),
  ]);
  reads(glm, 'no end marker, but it ended the answer', `<tool_call>edit\n${pair('path', 'a')}`, [
    edit({ path: 'a' }),
  ]);
  reads(glm, "Hermes' body", json(A), [edit({ path: 'a' })]);
  reads(
    glm,
    "Python's words and quotes",
    tags(pair('path', 'a') + pair('all', 'True') + pair('tags', "['x', 'it is']")),
    [edit({ path: 'a', all: true, tags: ['x', 'it is'] })],
  );
  for (const [name, body] of [
    ['a value without its beginning', '<arg_key>path</arg_key>a b</arg_value>'],
    ['the tags of a key twice', '<arg_key><arg_key>path</arg_key></arg_key><arg_value>a b</arg_value>'],
    ["the call's marker for a key's", '<tool_call>path</arg_key><arg_value>a b</arg_value>'],
  ] as const)
    reads(glm, name, `<tool_call>edit${body}</tool_call>`, [edit({ path: 'a b' })]);
  reads(
    glm,
    'two calls with one end',
    `<tool_call>edit\n${pair('path', 'a')}<tool_call>edit\n${pair('path', 'b')}</tool_call>`,
    both,
  );
  reads(
    glm,
    'a value without its end before another argument',
    tags(`<arg_key>path</arg_key>\n<arg_value>a\n${pair('line', '3')}`),
    [edit({ path: 'a', line: 3 })],
  );
  const option = 'a\n<arg_key>text</arg_key><arg_value>b\nc';
  refuses(glm, 'a value with tags of an option that is a text', tags(pair('path', option)), /not clear/);
  const unknown = 'a\n<arg_key>key</arg_key>\n<arg_value>b';
  reads(glm, 'text that has tags of no argument', tags(pair('text', unknown) + pair('path', 'a')), [
    edit({ text: unknown, path: 'a' }),
  ]);
  const known = 'a\n<arg_key>path</arg_key>\n<arg_value>b';
  reads(
    glm,
    'text that has tags of an argument that is there',
    tags(pair('path', 'a') + pair('text', known)),
    [edit({ path: 'a', text: known })],
  );
  reads(glm, 'the same, first', tags(pair('text', known) + pair('path', 'a')), [
    edit({ text: known, path: 'a' }),
  ]);
  refuses(glm, 'the same where the answer was cut', `<tool_call>edit\n${pair('path', 'a')}`, /cut off/, true);
  refuses(
    glm,
    'a value without its end',
    '<tool_call>edit\n<arg_key>path</arg_key>\n<arg_value>a',
    /cut off/,
  );
  refuses(glm, 'something between the pairs', tags(`${pair('path', 'a')}and then`), /from "and then" on/);
  refuses(glm, 'an unknown tool', '<tool_call>rm\n</tool_call>', /no tool "rm"/);

  const functionCall = (...parameters: [string, string][]) =>
    json(
      `<function=edit>\n${parameters.map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`).join('')}</function>`,
    );
  reads(
    qwenCoder,
    'raw code, and types by the schema',
    `I edit.\n\n${functionCall(['path', '3'], ['text', code], ['line', '3'], ['tags', '["x"]'])}`,
    [{ kind: 'text', text: 'I edit.\n\n' }, edit({ path: '3', text: code, line: 3, tags: ['x'] })],
  );
  reads(qwenCoder, 'no arguments', json('<function=list>\n</function>'), [
    { kind: 'call', name: 'list', arguments: {} },
  ]);
  reads(
    qwenCoder,
    'two functions between one pair of markers',
    json(
      ['a', 'b']
        .map(path => `<function=edit>\n<parameter=path>\n${path}\n</parameter>\n</function>`)
        .join('\n'),
    ),
    both,
  );
  for (const end of ['</tool_call>', '</function>'])
    reads(qwenCoder, `${end} inside a value`, functionCall(['path', `a${end}b`]), [
      edit({ path: `a${end}b` }),
    ]);
  reads(qwenCoder, 'no markers', '<function=edit>\n<parameter=path>\na\n</parameter>\n</function>', [
    edit({ path: 'a' }),
  ]);
  reads(
    qwenCoder,
    'no marker before the tags, and one behind',
    'I edit.\n\n<function=edit>\n<parameter=path>\na\n</parameter>\n</function>\n</tool_call>\nDone.',
    [{ kind: 'text', text: 'I edit.\n\n' }, edit({ path: 'a' }), { kind: 'text', text: '\nDone.' }],
  );
  reads(
    qwenCoder,
    "Python's words and quotes",
    functionCall(['path', 'a'], ['all', 'False'], ['tags', "['x', 'y']"]),
    [edit({ path: 'a', all: false, tags: ['x', 'y'] })],
  );
  reads(
    qwenCoder,
    'a forgotten end of an argument',
    json(
      '<function=write>\n<parameter=path>\na\n<parameter=text>\nb\n</parameter>\n<parameter=all>\ntrue\n</parameter>\n</function>',
    ),
    [{ kind: 'call', name: 'write', arguments: { path: 'a', text: 'b', all: true } }],
  );
  const optional = 'call:\n<parameter=all>\ntrue\n<parameter=line>\n3';
  reads(qwenCoder, 'text that has tags of options', functionCall(['path', 'a'], ['text', optional]), [
    edit({ path: 'a', text: optional }),
  ]);
  const tagged = 'b\n<parameter=path>\nc\n<parameter=x>\nd';
  reads(qwenCoder, 'text that has such tags', functionCall(['path', 'a'], ['text', tagged]), [
    edit({ path: 'a', text: tagged }),
  ]);
  reads(qwenCoder, 'text that has such tags, first', functionCall(['text', tagged], ['path', 'a']), [
    edit({ path: 'a', text: tagged }),
  ]);
  reads(qwenCoder, 'a sentence before the tags', json('I edit. <function=list>\n</function>'), [
    { kind: 'call', name: 'list', arguments: {} },
  ]);
  reads(qwenCoder, "Hermes' body", json('{"name": "edit", "arguments": {"path": "<function=a>"}}'), [
    edit({ path: '<function=a>' }),
  ]);
  refuses(
    qwenCoder,
    'one without the end of its function',
    json('<function=edit>\n<parameter=path>\na\n</parameter>'),
    /cut off/,
  );
  refuses(qwenCoder, 'an unknown tool', json('<function=rm>\n</function>'), /no tool "rm"/);

  const message = (header: string, body: string) => `<|channel|>commentary to=${header}<|message|>${body}`;
  const P = '{"path": "a"}';
  reads(harmony, 'text, a call', `I edit. ${message('functions.edit', P)}<|call|>`, [
    { kind: 'text', text: 'I edit. ' },
    edit({ path: 'a' }),
  ]);
  reads(harmony, 'what is taught behind the name', message('functions.edit <|constrain|>json', P), [
    edit({ path: 'a' }),
  ]);
  for (const name of [
    'edit',
    'functions.functions.edit',
    'functions.editjson',
    'edit:0',
    'edit<|constrain|>json',
  ])
    reads(harmony, `the name ${name}`, message(name, P), [edit({ path: 'a' })]);
  reads(harmony, 'no end marker, but it ended the answer', message('functions.edit', P), [
    edit({ path: 'a' }),
  ]);
  reads(harmony, 'no arguments', `${message('functions.list', '')}<|call|>`, [
    { kind: 'call', name: 'list', arguments: {} },
  ]);
  reads(harmony, 'an end marker inside a string', message('functions.edit', '{"path": "<|call|>"}'), [
    edit({ path: '<|call|>' }),
  ]);
  reads(
    harmony,
    'a forgotten brace and a type as text',
    message('functions.edit', '{"path": "a", "line": "3"'),
    [edit({ path: 'a', line: 3 })],
  );
  refuses(
    harmony,
    'the same where the answer was cut',
    message('functions.edit', '{"path": "a"'),
    /cut off/,
    true,
  );
  refuses(harmony, 'no arguments where the answer was cut', message('functions.list', ''), /cut off/, true);
  refuses(
    harmony,
    'a string without its end',
    `${message('functions.edit', '{"path": "a')}<|call|>`,
    /cut off/,
  );
  reads(harmony, 'arguments of two calls', `${message('functions.edit', `${P}{"path": "b"}`)}<|call|>`, both);
  refuses(harmony, 'no JSON', message('functions.edit', '*** Begin Patch'), /no valid JSON/);
  refuses(harmony, 'an unknown tool', message('browser.open', '{}'), /no tool "browser.open"/);
  refuses(harmony, 'one without a required argument', message('functions.edit', '{}'), /edit needs "path"/);

  it('a call that is cut anywhere is never taken for a whole one', () => {
    const texts = {
      hermes: json('{"name": "edit", "arguments": {"path": "src/a.ts", "text": "one\\ntwo", "line": 12}}'),
      glm: tags(pair('path', 'src/a.ts') + pair('text', code) + pair('line', '12')),
      'qwen-coder': functionCall(['path', 'src/a.ts'], ['text', code], ['line', '12']),
      harmony: message('functions.edit', '{"path": "src/a.ts", "text": "one\\ntwo", "line": 12}'),
    };
    for (const dialect of [hermes, glm, qwenCoder, harmony]) {
      const text = texts[dialect.name as keyof typeof texts];
      const [whole] = read(dialect, text);
      for (let length = 0; length < text.length; length++) {
        for (const part of parts(dialect, [text.slice(0, length)], true))
          if (part.kind === 'call') assert.deepEqual(part, whole, text.slice(0, length));
      }
    }
  });

  it('what any JSON arguments are written as is read back, however it is cut into pieces', () => {
    const value = fc.oneof(fc.string(), fc.constantFrom('</tool_call>', '<function=', '"', '\\', '```\n'));
    fc.assert(
      fc.property(value, value, fc.integer({ min: 1, max: 9 }), (path, text, size) => {
        const written = json(JSON.stringify({ name: 'edit', arguments: { path, text } }));
        const pieces = written.match(new RegExp(`[^]{1,${size}}`, 'g'))!;
        assert.deepEqual(parts(hermes, pieces, false), [edit({ path, text })]);
      }),
    );
  });

  it('finds the dialect in the text of the chat template', () => {
    const qwen =
      '<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call>';
    assert.equal(dialectOf(qwen), hermes);
    assert.equal(dialectOf('<tool_call>{name}\\n<arg_key>{k}</arg_key>"arguments"'), glm);
    assert.equal(
      dialectOf('"<|start|>assistant to=" + name + "<|channel|>commentary json" + "<|call|>"'),
      harmony,
    );
    const qwenCoderTemplate =
      "<tool_call>\\n<function=example_function_name>\\n<parameter=example_parameter_1>' + tool_call.arguments|items";
    assert.equal(dialectOf(qwenCoderTemplate), qwenCoder);
    assert.equal(dialectOf('{{ messages }}'), null);
  });
});

describe('calls in thoughts', () => {
  const call = '<tool_call>\n{"name": "list", "arguments": {}}\n</tool_call>';

  it('are text, and those behind them are calls', () => {
    const thought = `<think>I could ${call}, or not.</think>`;
    assert.deepEqual(read(hermes, `${thought}${call}`), [
      { kind: 'text', text: thought },
      { kind: 'call', name: 'list', arguments: {} },
    ]);
  });

  it('are text when the thought never ends', () => {
    assert.deepEqual(read(hermes, `<think>hm ${call}`), [{ kind: 'text', text: `<think>hm ${call}` }]);
  });

  it('begin no thought inside a value', () => {
    const text = '<tool_call>\n{"name": "edit", "arguments": {"path": "<think>"}}\n</tool_call>';
    assert.deepEqual(read(hermes, text), [edit({ path: '<think>' })]);
  });
});
