/** `moebius chat`: a conversation in the terminal. Ctrl+C stops an answer, a second one (or /exit) leaves. */
import { createInterface, type Interface } from 'node:readline';
import { Command } from 'commander';
import { toMoebiusError } from '../base/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { ChatMessage } from '../protocol/daemon.ts';
import { printingHooks, reportUsage, withEngine } from './engine-session.ts';
import {
  addSamplingOptions,
  levelOf,
  type SamplingOptions,
  samplingOf,
  thinkingOf,
} from './sampling-options.ts';
import { print, type Terminal, write } from './terminal.ts';

interface ChatOptions extends SamplingOptions {
  system?: string;
}

export function chatCommand(terminal: Terminal): Command {
  return addSamplingOptions(new Command('chat'), 1024)
    .description('talk to the model in the terminal')
    .option('--system <text>', 'system message')
    .addHelpText(
      'after',
      `
In the conversation: /new starts over, /exit (or Ctrl+D) leaves, Ctrl+C stops the answer.
A message that is piped in is one line.

Example:
  $ moebius chat --experts balanced`,
    )
    .action((options: ChatOptions) =>
      withEngine(terminal, options, engine => converse(engine, terminal, options)),
    );
}

/** Reads a message a line until the input ends. */
export async function converse(
  engine: Pick<Engine, 'generate'>,
  terminal: Terminal,
  options: ChatOptions,
): Promise<void> {
  const input = createInterface({
    input: terminal.stdin,
    ...(terminal.stdin.isTTY && { output: terminal.stderr }),
  });
  const interrupts = new Interrupts(input, terminal.signal);
  const opening: ChatMessage[] = options.system ? [{ role: 'system', content: options.system }] : [];
  let messages = [...opening];
  try {
    input.setPrompt('> ');
    if (terminal.stdin.isTTY) input.prompt();
    for await (const line of input) {
      const text = line.trim();
      if (text === '/exit') break;
      if (text === '/new') messages = [...opening];
      else if (text !== '')
        messages = await turn(engine, terminal, options, interrupts, [
          ...messages,
          { role: 'user', content: text },
        ]);
      if (terminal.stdin.isTTY) input.prompt();
    }
  } finally {
    input.close();
  }
}

/** One question and its answer; the conversation afterwards. A question without an answer is not kept. */
async function turn(
  engine: Pick<Engine, 'generate'>,
  terminal: Terminal,
  options: ChatOptions,
  interrupts: Interrupts,
  messages: ChatMessage[],
): Promise<ChatMessage[]> {
  const signal = interrupts.begin();
  try {
    const result = await engine.generate(
      { requestId: 'chat', messages, ...samplingOf(options), ...levelOf(options), ...thinkingOf(options) },
      printingHooks(terminal, signal),
    );
    await write(terminal.stdout, '\n');
    await reportUsage(terminal, result);
    if (result.text === '') return messages.slice(0, -1);
    return [...messages, { role: 'assistant', content: result.text }];
  } catch (thrown) {
    if (terminal.signal.aborted) throw thrown;
    print(terminal.stderr, `\nerror: ${toMoebiusError(thrown).message}\n`);
    return messages.slice(0, -1);
  } finally {
    interrupts.end();
  }
}

/** Ctrl+C while an answer is written stops that answer; otherwise it ends the conversation. */
class Interrupts {
  #answer: AbortController | null = null;
  readonly #outer: AbortSignal;

  constructor(input: Interface, outer: AbortSignal) {
    this.#outer = outer;
    input.on('SIGINT', () => (this.#answer ? this.#answer.abort() : input.close()));
    outer.addEventListener('abort', () => input.close(), { once: true });
  }

  begin(): AbortSignal {
    this.#answer = new AbortController();
    return AbortSignal.any([this.#answer.signal, this.#outer]);
  }

  end(): void {
    this.#answer = null;
  }
}
