/** The chat templates of test/fixtures/templates as the daemon has them: with a tokenizer that knows their tokens, converted as published. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/convert/checkpoint.ts';
import type { EngineCore } from '../../src/engine/core.ts';
import { textParts } from '../../src/engine/load.ts';
import type { ToolDefinition } from '../../src/protocol/daemon.ts';
import { familyGolden, writeFamilyCheckpoint } from './family-checkpoint.ts';
import { tempFolder } from './temp-folder.ts';
import { tinyTokenizerJson } from './tiny-tokenizer.ts';

/** A message as transformers takes it. */
export interface ReferenceMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  reasoning_content?: string;
  tool_calls?: { function: { name: string; arguments: Record<string, unknown> } }[];
}

export interface TemplateGolden {
  conversation: string;
  tools: boolean;
  told: { add_generation_prompt: boolean; enable_thinking: boolean } & Record<string, unknown>;
  /** null: the template refuses it. */
  text: string | null;
}

interface Given {
  tools: { type: 'function'; function: ToolDefinition }[];
  conversations: Record<string, ReferenceMessage[]>;
}

const FOLDER = new URL('../fixtures/templates/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

export const { tools: REFERENCE_TOOLS, conversations: CONVERSATIONS }: Given = JSON.parse(
  read('conversations.json'),
);
/** When the goldens were made, as far as templates can tell. */
export const GOLDEN_NOW = new Date(2025, 7, 7, 9, 5, 3);

export const PUBLISHED: readonly string[] = readdirSync(FOLDER)
  .filter(name => name.endsWith('.jinja'))
  .map(name => name.slice(0, -'.jinja'.length));
export const publishedSource = (name: string): string => read(`${name}.jinja`);
export const templateGoldens = (name: string): TemplateGolden[] => JSON.parse(read(`${name}.json`));

const TOOL_TAGS = ['<tool_call>', '</tool_call>', '<tool_response>', '</tool_response>'];
const THOUGHT_TAGS = ['<think>', '</think>'];
const CHATML = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const GLM = [
  '<|endoftext|>',
  '[gMASK]',
  '<sop>',
  '<|system|>',
  '<|user|>',
  '<|assistant|>',
  '<|observation|>',
];
const GLM_TAGS = ['<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>', ...TOOL_TAGS, ...THOUGHT_TAGS];

/**
 * Added tokens that a template and its answers are written with: control tokens and others; and the one that settings name as the
 * end. Which is which is as we know it: no published tokenizer but Qwen's is at hand.
 */
const TOKENS: Record<string, { control: string[]; tags: string[]; end: string }> = {
  'qwen2.5': { control: CHATML, tags: TOOL_TAGS.slice(0, 2), end: '<|im_end|>' },
  qwen3: { control: CHATML, tags: [...TOOL_TAGS, ...THOUGHT_TAGS], end: '<|im_end|>' },
  'qwen3-coder': { control: CHATML, tags: [...TOOL_TAGS, ...THOUGHT_TAGS], end: '<|im_end|>' },
  'glm-4.5': { control: [...GLM, '/nothink'], tags: GLM_TAGS, end: '<|endoftext|>' },
  'glm-4.7-flash': { control: [...GLM, '/nothink'], tags: GLM_TAGS, end: '<|endoftext|>' },
  'gpt-oss': {
    control: [
      ...['<|startoftext|>', '<|endoftext|>', '<|return|>', '<|constrain|>', '<|channel|>', '<|start|>'],
      ...['<|end|>', '<|message|>', '<|call|>'],
    ],
    tags: [],
    end: '<|return|>',
  },
  'granite-3.3': {
    control: ['<|end_of_text|>', '<|start_of_role|>', '<|end_of_role|>', '<|tool_call|>'],
    tags: [],
    end: '<|end_of_text|>',
  },
};

/** What `generateRequest` takes of an engine, of a model with this template. */
export async function publishedCore(name: string): Promise<EngineCore> {
  const { control, tags, end } = TOKENS[name]!;
  const json = tinyTokenizerJson();
  const first = Object.keys(json.model.vocab).length;
  const [like] = json.added_tokens;
  json.added_tokens = [...control, ...tags].map((content, i) => ({
    ...like!,
    ...{ id: first + i, content, special: control.includes(content) },
  }));
  const idOf = (literal: string) => first + [...control, ...tags].indexOf(literal);
  const folder = join(tempFolder(), name);
  const golden = familyGolden('llama');
  await writeFamilyCheckpoint(folder, { ...golden, config: { ...golden.config, eos_token_id: idOf(end) } });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  await writeFile(join(folder, 'chat_template.jinja'), publishedSource(name));
  const checkpoint = await openCheckpoint(folder);
  await checkpoint.close();
  const { tokenizer, chatTemplate, tokens } = checkpoint.text;
  const manifest = { name, tokens };
  return { ...textParts({ tokenizer, chatTemplate, manifest }), manifest } as EngineCore;
}
