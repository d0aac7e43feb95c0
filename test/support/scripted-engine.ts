/**
 * An engine without a model. The prompt (or prefix, or last message) is JSON that says what it does; anything else is
 * answered in ten steps. It keeps the engine's promises: a turn before every step, events, cancellation.
 */
import { cancelled, MoebiusError } from '../../src/base/errors.ts';
import type { Engine, LoadOptions, RunHooks } from '../../src/engine/engine.ts';
import type { CompleteResult, CountResult, ModelInfo, ModelSummary } from '../../src/protocol/daemon.ts';

export interface Behaviour {
  steps?: number;
  stepMs?: number;
  /** Pieces of the prompt that are "read" before the first step. */
  chunks?: number;
  chunkMs?: number;
  /** Done at step `at` (default 0). */
  fault?: 'kill' | 'abort' | 'throw' | 'hang' | 'print' | 'uncaught' | 'exit';
  at?: number;
}

export const SCRIPTED_MODELS: ModelSummary[] = ['small', 'other', 'broken', 'deadly', 'slow'].map(id => ({
  id,
  variant: 'int4',
  name: id,
  architecture: 'scripted',
  sizeBytes: 1,
  path: `/models/${id}`,
  capabilities: { chat: true, fillInTheMiddle: true, toolCalls: false, levels: ['exact'] },
}));

const sleep = (ms: number) =>
  new Promise<void>(resolve => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)));

export async function loadScriptedEngine(options: LoadOptions): Promise<Engine> {
  const model = SCRIPTED_MODELS.find(summary => summary.path === options.folder)!;
  if (model.id === 'broken')
    throw new MoebiusError('model-invalid', 'body.data is damaged: add the model again.');
  if (model.id === 'deadly' && options.contextTokens > 4096) process.kill(process.pid, 'SIGKILL');
  for (let percent = 0; percent <= 100; percent += 25) {
    options.onProgress?.(percent);
    await sleep(model.id === 'slow' ? 100 : 0);
    if (options.signal?.aborted) throw cancelled();
  }
  return new ScriptedEngine(model, options);
}

class ScriptedEngine implements Engine {
  readonly #model: ModelSummary;
  readonly #options: LoadOptions;
  #answered = 0;
  isDisposed = false;

  constructor(model: ModelSummary, options: LoadOptions) {
    this.#model = model;
    this.#options = options;
  }

  info(): ModelInfo {
    const { contextTokens, threads } = this.#options;
    return {
      ...this.#model,
      loaded: true,
      contextTokens,
      trainedContextTokens: 32768,
      parameters: 1,
      experts: null,
      loadMs: 1,
      threads,
    };
  }

  generate(
    params: { prompt?: string; messages?: { content: string }[] },
    hooks: RunHooks,
  ): Promise<CompleteResult> {
    return this.#run(params.prompt ?? params.messages?.at(-1)?.content ?? '', hooks);
  }

  complete(params: { prefix: string }, hooks: RunHooks): Promise<CompleteResult> {
    return this.#run(params.prefix, hooks);
  }

  count({ text = '' }: { text?: string }): CountResult {
    return { tokens: text.length };
  }

  score(): Promise<Float32Array> {
    throw new MoebiusError('unsupported', 'A scripted engine has no probabilities.');
  }

  sequences() {
    return [{ name: 'chat', tokens: 1, capacityTokens: this.#options.contextTokens, bytes: 1000 }];
  }

  async expertHistogram() {
    return [];
  }

  keptSequences() {
    return [];
  }

  async exportRows() {
    return null;
  }

  speed() {
    const speed = this.#answered > 0 ? 100 : null;
    return { prefillTokensPerSecond: speed, decodeTokensPerSecond: speed };
  }

  async dispose(): Promise<void> {
    this.isDisposed = true;
  }

  async #run(prompt: string, hooks: RunHooks): Promise<CompleteResult> {
    const plan: Behaviour = prompt.startsWith('{') ? JSON.parse(prompt) : {};
    const { steps = 10, stepMs = 0, chunks = 1, chunkMs = 0, fault, at = 0 } = plan;
    for (let done = 1; done <= chunks; done++) {
      await hooks.turn();
      await sleep(chunkMs);
      if (hooks.signal.aborted) throw cancelled();
      hooks.onEvent({ type: 'prefill', done, total: chunks, reused: 0 });
    }
    let text = '';
    for (let i = 0; i < steps; i++) {
      await hooks.turn();
      if (fault && at === i) misbehave(fault);
      await sleep(stepMs);
      if (hooks.signal.aborted) throw cancelled();
      if (this.isDisposed) throw new Error('used after dispose');
      text += `${i} `;
      hooks.onEvent({ type: 'text', text: `${i} ` });
    }
    this.#answered++;
    const usage = {
      promptTokens: chunks,
      reusedTokens: 0,
      outputTokens: steps,
      queueMs: 0,
      prefillMs: chunks * chunkMs,
      decodeMs: steps * stepMs,
    };
    return { text, finish: 'stop', usage, meanLogProb: -1 };
  }
}

function misbehave(how: NonNullable<Behaviour['fault']>): void {
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  if (how === 'abort') process.abort();
  if (how === 'exit') process.exit(7);
  if (how === 'throw') throw new Error('a bug in the engine');
  if (how === 'print') console.log('Content-Length: 3\r\n\r\nfoo');
  if (how === 'uncaught') {
    setImmediate(() => {
      throw new Error('a bug in a callback');
    });
  }
  if (how === 'hang') for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}
