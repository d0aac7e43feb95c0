/** The few calls of the extension's API, for programs: `const moebius = await openModel(); await moebius.generateText(...)`. */
import type { CompleteParams, GenerateParams } from '../protocol/daemon.ts';
import { hooksFor, type OpenOptions, openEngine } from './engine-session.ts';

export interface TextOptions extends Omit<GenerateParams, 'requestId' | 'priority' | 'sequence'> {
  signal?: AbortSignal;
  onText?(text: string): void;
}
export interface CodeOptions extends Omit<CompleteParams, 'requestId' | 'sequence'> {
  signal?: AbortSignal;
  onText?(text: string): void;
}

export interface Moebius {
  /** Goes on from `prompt`, or answers `messages`. */
  generateText(options: TextOptions): Promise<string>;
  /** What fits between `prefix` and `suffix`. */
  completeCode(options: CodeOptions): Promise<string>;
  dispose(): Promise<void>;
}

/** Loads a model of the store into this process. Throws MoebiusError `model-missing` when there is none. */
export async function openModel(options: OpenOptions = {}): Promise<Moebius> {
  const engine = await openEngine(options);
  let requests = 0;
  const nextId = () => `api-${++requests}`;
  return {
    async generateText({ signal, onText, ...params }) {
      const result = await engine.generate({ ...params, requestId: nextId() }, hooks(signal, onText));
      return result.text;
    },
    async completeCode({ signal, onText, ...params }) {
      const result = await engine.complete({ ...params, requestId: nextId() }, hooks(signal, onText));
      return result.text;
    },
    dispose: () => engine.dispose(),
  };
}

const hooks = (signal = new AbortController().signal, onText?: (text: string) => void) =>
  hooksFor(signal, event => {
    if (event.type === 'text') onText?.(event.text);
  });
