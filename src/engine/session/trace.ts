/** What a model does on a text, token by token: the data that a drafter is fitted to. */
import type { ModelRunner } from './model-runner.ts';

const CHUNK_TOKENS = 128;
const SEQUENCE = 0;

/** One chunk of a text; `states` are f32 [tokens, width] by name, as the body graph puts them out. */
export interface TracedChunk {
  at: number;
  tokens: number[];
  states: { hidden: Float32Array; taps: Float32Array | null };
  /** The likeliest token after each. */
  best: Uint32Array;
}

export async function* traceText(model: ModelRunner, text: readonly number[]): AsyncGenerator<TracedChunk> {
  for (let at = 0; at < text.length; at += CHUNK_TOKENS) {
    const tokens = text.slice(at, at + CHUNK_TOKENS);
    const logitRows = tokens.length;
    const { logits } = await model.forward({
      ...{ sequence: SEQUENCE, at, tokens, experts: null, logitRows, draftAbove: null },
    });
    const { hidden, taps } = model.states(SEQUENCE);
    const vocab = logits!.length / logitRows;
    const best = Uint32Array.from(tokens, (_, row) =>
      argmax(logits!.subarray(row * vocab, (row + 1) * vocab)),
    );
    const floats = (of: typeof hidden) => of!.data as Float32Array;
    yield { at, tokens, states: { hidden: floats(hidden), taps: taps ? floats(taps) : null }, best };
  }
  model.drop(SEQUENCE);
}

function argmax(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}
