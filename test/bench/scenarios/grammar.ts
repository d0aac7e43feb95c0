/**
 * What a grammar costs: compiling, and a token: accepting it and the next mask, the way to the grammar thread and back in
 * addition (while the model runs), and masking the logits. The texts are given: the model does not run, only its vocabulary
 * is used. Compiling is told in processor time too, since it takes long enough to be interrupted.
 */
import { Grammars } from '../../../src/engine/grammar/grammars.ts';
import { MatcherTable } from '../../../src/engine/grammar/matcher-table.ts';
import { grammarSource } from '../../../src/engine/grammar/source.ts';
import type { TokenMask } from '../../../src/engine/grammar/wire.ts';
import { vocabularyOf } from '../../../src/engine/load.ts';
import { Sampler } from '../../../src/engine/sampler.ts';
import type { ToolDialect } from '../../../src/engine/tools/dialect.ts';
import { glm } from '../../../src/engine/tools/glm.ts';
import { hermes } from '../../../src/engine/tools/hermes.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import type { GrammarParams, ToolDefinition } from '../../../src/protocol/daemon.ts';
import { readTokenizer } from '../../support/tokenizer.ts';
import type { Figure, Log, Plan } from '../plan.ts';
import { median, quantile } from '../statistics.ts';

const CODE = 'def area(width, height):\n    return width * height\n\n'.repeat(8);
const TALK = 'I will read the file first, and then change the function that you named.\n'.repeat(4);
const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 0, maximum: 130 },
    tags: { type: 'array', items: { enum: ['a', 'b', 'c'] } },
    address: { type: 'object', properties: { street: { type: 'string' }, zip: { type: 'string' } } },
  },
  required: ['name', 'age', 'tags'],
};
const ANN = {
  name: 'Ann Example',
  age: 42,
  tags: ['a', 'b'],
  address: { street: 'Main Street 1', zip: '12345' },
};
/** As many as an agent has. */
const TOOLS: ToolDefinition[] = Array.from({ length: 10 }, (_, i) => ({
  name: `tool_${i}`,
  parameters: {
    type: 'object',
    properties: { path: { type: 'string' }, text: { type: 'string' }, line: { type: 'integer' } },
    required: ['path'],
  },
}));

interface Case {
  name: string;
  grammar: GrammarParams;
  dialect: ToolDialect | null;
  text: string;
}
const call = JSON.stringify(CODE);
const CASES: Case[] = [
  // The one way in which it is written: a space behind commas and colons.
  {
    name: 'schema',
    dialect: null,
    grammar: { kind: 'json-schema', schema: PERSON },
    text: JSON.stringify(ANN, null, 1)
      .replace(/,\n\s*/g, ', ')
      .replace(/\n\s*/g, ''),
  },
  {
    name: '10 tools, hermes',
    dialect: hermes,
    grammar: { kind: 'tools', tools: TOOLS },
    text: `${TALK}<tool_call>\n{"name": "tool_7", "arguments": {"path": "src/area.py", "text": ${call}}}\n</tool_call>`,
  },
  {
    name: '10 tools, glm',
    dialect: glm,
    grammar: { kind: 'tools', tools: TOOLS },
    text: `${TALK}<tool_call>tool_7\n<arg_key>path</arg_key>\n<arg_value>src/area.py</arg_value>\n<arg_key>text</arg_key>\n<arg_value>${CODE}</arg_value>\n</tool_call>`,
  },
];

export async function grammar(plan: Plan, log: Log): Promise<Figure[]> {
  const folder = Object.values(plan.variants)[0]!;
  const { tokens, dims } = await readManifest(folder);
  const tokenizer = readTokenizer(folder);
  const vocabulary = vocabularyOf(tokenizer, tokens.eos);
  const logits = new Float32Array(dims.vocab);
  const sampler = new Sampler({}, [], tokenizer.size);
  const figures: Figure[] = [];
  for (const { name, grammar, dialect, text } of CASES) {
    const ids = tokenizer.encodeTrusted(text);
    const source = grammarSource(grammar, dialect);
    const compiling: number[] = [];
    const processor: number[] = [];
    const again: number[] = [];
    const matching: number[] = [];
    const travelling: number[] = [];
    const masking: number[] = [];
    for (let round = 0; round < plan.rounds; round++) {
      // In this thread, from nothing.
      const table = await MatcherTable.create(vocabulary);
      const used = process.cpuUsage();
      const opened = await timed(() => table.open(1, source));
      const { user, system } = process.cpuUsage(used);
      compiling.push(opened.ms);
      processor.push((user + system) / 1000);
      again.push((await timed(() => table.open(2, source))).ms);
      let mask = opened.value;
      for (const id of ids) {
        // Choosing costs the same without a mask, but for the masking itself.
        const choice = chosen(sampler, logits, id, mask);
        masking.push(Math.max(0, choice.ms - chosen(sampler, logits, id).ms));
        if (choice.token !== id) throw new Error(`${name}: token ${id} does not fit.`);
        const next = await timed(() => table.accept(1, id));
        matching.push(next.ms);
        mask = next.value;
      }
      // As a request does it.
      const grammars = new Grammars(vocabulary);
      const match = await grammars.open(source, new AbortController().signal);
      for (const id of ids) travelling.push((await timed(() => match.accept(id))).ms);
      match.close();
      grammars.dispose();
      log(`${name}: ${ids.length} tokens, round ${round + 1} of ${plan.rounds}`);
    }
    const figure = (what: string, values: number[]): Figure => ({
      scenario: 'grammar',
      what: `${name}: ${what}`,
      unit: 'ms',
      values: { median: median(values), p95: quantile(values, 0.95) },
      rounds: plan.rounds,
    });
    figures.push(
      figure('compile', compiling),
      figure('compile, processor time', processor),
      figure('compiled before', again),
      figure('a token', matching),
      figure('a token and the way to the thread', travelling),
      figure('masking the logits', masking),
    );
  }
  return figures;
}

/** The greedy choice where `id` is the likeliest. */
function chosen(sampler: Sampler, logits: Float32Array, id: number, mask?: TokenMask) {
  logits.fill(0).fill(1, id, id + 1);
  const began = performance.now();
  const { token } = sampler.choose(logits, mask);
  return { token, ms: performance.now() - began };
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now();
  const value = await work();
  return { value, ms: performance.now() - began };
}
