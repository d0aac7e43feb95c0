/** The same few calls as the extension's API (host/api.ts), for programs without an editor. */
import type { ExpertLevel, SamplingParams } from '../protocol/daemon.ts';
import { hooksFor, type OpenOptions, openEngine } from './engine-session.ts';

interface CallOptions extends SamplingParams {
  level?: ExpertLevel;
  signal?: AbortSignal;
  /** Called with each piece of the text as it is written. */
  onText?(text: string): void;
}

export interface Moebius {
  /** Answers one prompt as a chat would. Greedy, at most 512 tokens, unless the options say otherwise. */
  generateText(options: CallOptions & { prompt: string }): Promise<string>;
  /** The text between `prefix` and `suffix`, as the model writes it. Greedy, at most 128 tokens by default. */
  completeCode(options: CallOptions & { prefix: string; suffix: string }): Promise<string>;
  dispose(): Promise<void>;
}

/** Loads a model of the store into this process. Throws MoebiusError `model-missing` when there is none. */
export async function openModel(options: OpenOptions = {}): Promise<Moebius> {
  const engine = await openEngine(options);
  return {
    async generateText({ prompt, signal, onText, ...rest }) {
      const messages = [{ role: 'user' as const, content: prompt }];
      const params = { maxTokens: 512, temperature: 0, ...rest, messages, requestId: 'api' };
      return (await engine.generate(params, hooks(signal, onText))).text;
    },
    async completeCode({ signal, onText, ...rest }) {
      const params = { maxTokens: 128, temperature: 0, ...rest, requestId: 'api' };
      return (await engine.complete(params, hooks(signal, onText))).text;
    },
    dispose: () => engine.dispose(),
  };
}

const hooks = (signal = new AbortController().signal, onText?: (text: string) => void) =>
  hooksFor(signal, event => {
    if (event.type === 'text') onText?.(event.text);
  });
