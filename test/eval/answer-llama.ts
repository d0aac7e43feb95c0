/** Answers by llama.cpp on the GGUF that the model was converted from: the same token ids, greedy, the same stops. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchRecord } from '../../src/cli/batch-record.ts';
import { renderChat } from '../support/chat-text.ts';
import { installLlama, type LlamaModel, type LlamaSequence, loadLlama } from '../support/llama.ts';
import { beforeStop } from './cut.ts';
import type { Answer, Answerer } from './task.ts';

const CONTEXT_TOKENS = 4096;

/** `folder`: the converted model, whose chat template is used so that both see the same prompt. */
export function llamaAnswerer(gguf: string, folder: string, threads: number): Answerer {
  return async (tasks, log) => {
    installLlama();
    const { model, context, dispose } = await loadLlama(gguf, CONTEXT_TOKENS, threads);
    const template = readFileSync(join(folder, 'chat_template.jinja'), 'utf8');
    const sequence = context.getSequence();
    const answers: Answer[] = [];
    try {
      for (const { id, request } of tasks) {
        const prompt = promptTokens(model, request, template);
        answers.push({ id, promptTokens: prompt.length, ...(await write(model, sequence, prompt, request)) });
        if (answers.length % 10 === 0) log(`llama.cpp: ${answers.length} of ${tasks.length}`);
      }
    } finally {
      await dispose();
    }
    return answers;
  };
}

function promptTokens(model: LlamaModel, request: BatchRecord, template: string): number[] {
  if (request.kind === 'generate') return model.tokenize(request.prompt, false);
  if (request.kind === 'chat') return model.tokenize(renderChat(template, request.messages), true);
  const { prefix, suffix, middle } = model.tokens.infill;
  if (prefix === null || suffix === null || middle === null)
    throw new Error('The GGUF has no infill tokens.');
  const plain = (text: string) => model.tokenize(text, false);
  const { middle: begun = '' } = request;
  return [prefix, ...plain(request.prefix), suffix, ...plain(request.suffix), middle, ...plain(begun)];
}

async function write(model: LlamaModel, sequence: LlamaSequence, prompt: number[], request: BatchRecord) {
  await sequence.adaptStateToTokens(prompt, false);
  // At least the last token is evaluated again: its logits are not kept.
  const known = Math.min(sequence.nextTokenIndex, prompt.length - 1);
  if (known < sequence.nextTokenIndex) await sequence.adaptStateToTokens(prompt.slice(0, known), false);
  const written: number[] = [];
  const stops = request.stop ?? [];
  let text = '';
  for await (const token of sequence.evaluate(prompt.slice(known), { temperature: 0 })) {
    written.push(token);
    text = model.detokenize(written);
    if (stops.some(stop => text.includes(stop)) || written.length === request.maxTokens) break;
  }
  return { text: beforeStop(text, stops), outputTokens: written.length };
}
