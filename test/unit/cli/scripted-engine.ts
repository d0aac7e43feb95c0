/** An engine that answers from a function, and a terminal in memory. */
import { PassThrough } from 'node:stream';
import type { Terminal } from '../../../src/cli/terminal.ts';
import type { Engine, RunHooks } from '../../../src/engine/engine.ts';
import type { CompleteParams, CompleteResult, GenerateParams } from '../../../src/protocol/daemon.ts';

type Request = GenerateParams | CompleteParams;

/** `requests` holds what was asked, in order. `answer` may throw. */
export function scriptedEngine(answer: (request: Request) => string) {
  const requests: Request[] = [];
  const run = async (request: Request, hooks: RunHooks): Promise<CompleteResult> => {
    requests.push(request);
    const text = answer(request);
    hooks.onEvent({ type: 'text', text });
    const usage = {
      promptTokens: 7,
      reusedTokens: 2,
      outputTokens: 3,
      queueMs: 0,
      prefillMs: 12.345,
      decodeMs: 6.789,
    };
    return { text, finish: hooks.signal.aborted ? 'cancelled' : 'stop', usage, meanLogProb: -1 };
  };
  const engine: Pick<Engine, 'generate' | 'complete'> = { generate: run, complete: run };
  return { engine, requests };
}

export interface MemoryTerminal extends Terminal {
  output(): string;
  errors(): string;
}

export function memoryTerminal(input = '', signal = new AbortController().signal): MemoryTerminal {
  const stdin = new PassThrough();
  stdin.end(input);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const text = (stream: PassThrough) => () => stream.read()?.toString('utf8') ?? '';
  return { stdin, stdout, stderr, signal, packageFolder: '', output: text(stdout), errors: text(stderr) };
}
