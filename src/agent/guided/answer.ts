/** A question, or a plan: what it is about is read by the host, and the model answers in one go. */
import { MoebiusError } from '../../base/errors.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';
import type { AgentOptions } from '../agent.ts';
import type { Ending } from './change.ts';
import { gather, relatedCode, workspacePaths } from './gather.ts';
import { questionContent, type Reference } from './prompts.ts';
import { languageOf } from './source-paths.ts';
import type { Writer } from './writer.ts';

const MAX_FILES = 3;
const ANSWER_TOKENS = 1024;

/** `text` reads a file, `\n` line ends; '' if it does not exist. */
export async function answer(
  options: AgentOptions,
  writer: Writer,
  system: ChatMessage[],
  callId: () => string,
  text: (path: string) => Promise<string>,
): Promise<Ending> {
  const references = await read(options, callId, text);
  for (;;) {
    const content = questionContent(options, references);
    const messages: ChatMessage[] = [...system, { role: 'user', content }];
    const { tokens } = await options.backend.count({ messages }, { signal: options.signal });
    if (tokens + ANSWER_TOKENS > options.windowTokens) {
      if (references.pop() !== undefined) continue;
      throw new MoebiusError(
        'context-full',
        'The question and what is attached do not fit into the model. Attach less.',
      );
    }
    const { text, finish } = await writer.write({
      messages,
      maxTokens: ANSWER_TOKENS,
      temperature: 0,
      seed: 0,
    });
    if (text.trim() === '') return { reason: 'empty', text: '' };
    return { reason: finish === 'repetition' ? 'repetition' : 'answered', text };
  }
}

/** The regions that the question is about, each shown as a step. */
async function read(
  options: AgentOptions,
  callId: () => string,
  text: (path: string) => Promise<string>,
): Promise<Reference[]> {
  if (options.mode === 'ask') return [];
  const paths = await workspacePaths(options);
  const { steps } = await gather(options, paths, [], null, text);
  const references: Reference[] = [];
  for (const { path, region } of steps.slice(0, MAX_FILES)) {
    const whole = await text(path);
    if (whole === '') continue;
    const code = whole
      .split('\n')
      .slice(region.first, region.last + 1)
      .join('\n');
    const label = region.isWholeFile ? path : `${path}:${region.first + 1}-${region.last + 1}`;
    const id = callId();
    const call = { kind: 'call', name: 'read_file', arguments: { path } } as const;
    options.emit({ type: 'call', callId: id, call, title: `Read ${label}` });
    options.emit({ type: 'result', callId: id, ok: true, text: code, summary: `Read ${label}`, changes: [] });
    references.push({ label, language: languageOf(path), text: code });
    if (references.length === 1) references.push(...(await relatedCode(path, whole, code, paths, text)));
  }
  return references;
}
