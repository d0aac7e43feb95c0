/** What `activate` returns: the local model for other extensions. */
import type { Backend } from '../backends/backend.ts';
import { orAborted } from '../base/abort.ts';
import { Mutex } from '../base/mutex.ts';

export interface MoebiusApi {
  /** Version of the extension. */
  readonly version: string;
  /** Answers one prompt as a chat would. Rejects with a sentence when there is no model. */
  generateText(options: { prompt: string; maxTokens?: number; signal?: AbortSignal }): Promise<string>;
  /** The text between `prefix` and `suffix`, as the model writes it: no filters. */
  completeCode(options: {
    prefix: string;
    suffix: string;
    maxTokens?: number;
    signal?: AbortSignal;
  }): Promise<string>;
}

export function createApi(backend: Backend, version: string): MoebiusApi {
  // A newer completion of a sequence replaces an older one, as a keystroke's does; here each has somebody who wants it.
  const completions = new Mutex();
  return {
    version,
    async generateText({ prompt, maxTokens = 512, signal }) {
      const messages = [{ role: 'user' as const, content: prompt }];
      const params = { messages, maxTokens, temperature: 0, sequence: 'api' };
      return (await backend.generate(params, signal ? { signal } : {})).text;
    },
    async completeCode({ prefix, suffix, maxTokens = 128, signal }) {
      const params = { prefix, suffix, maxTokens, temperature: 0, sequence: 'api' };
      const completing = completions.run(() => backend.complete(params, signal ? { signal } : {}));
      return (await orAborted(completing, signal)).text;
    },
  };
}
