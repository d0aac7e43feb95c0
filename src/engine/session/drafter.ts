/**
 * Guesses the token after next from the hidden state that chose the next one and the next one's embedding, for a hundredth
 * of a step (docs/engine.md). Made with the model by convert; a guess is only ever checked, never trusted.
 */
import { Tensor } from 'onnxruntime-node';
import type { GraphSession } from './graph-session.ts';

export interface Guess {
  token: number;
  /** That the model takes this token. */
  probability: number;
}

/** Rows of a run's outputs, f32 [rows, n]: `hidden`, and `taps` where the body has them. */
type States = Record<'hidden' | 'taps', Tensor>;

/** The states of the last rows of a sequence that a run gave, by position. */
export class StateTail {
  states: Partial<States> = {};
  #end = 0;

  /** `output` has the rows of the positions before `end`. */
  set({ hidden, taps }: Partial<States>, end: number): void {
    this.states = { ...(hidden && { hidden }), ...(taps && { taps }) };
    this.#end = end;
  }

  /** Position of the first row that is kept. */
  get first(): number {
    return this.#end - (this.states.hidden?.dims[0] ?? 0);
  }

  /** Position behind the last row that is kept. */
  get end(): number {
    return this.#end;
  }

  /** `hidden` f32 [count, n] from `position` on, or null if not all of these rows are kept. */
  rows(position: number, count: number): Float32Array<ArrayBuffer> | null {
    if (!this.states.hidden || position < this.first || position + count > this.#end) return null;
    const { data, dims } = this.states.hidden;
    const from = (position - this.first) * dims[1]!;
    return (data as Float32Array<ArrayBuffer>).subarray(from, from + count * dims[1]!);
  }

  /** f32 [1, n] each, or null if the row at `position` is not among the last ones. */
  at(position: number): Partial<States> | null {
    const count = this.states.hidden?.dims[0] ?? 0;
    const row = position - (this.#end - count);
    if (row < 0 || row >= count) return null;
    const entries = Object.entries(this.states).map(([name, { data, dims }]) => {
      const width = dims[1]!;
      const values = (data as Float32Array<ArrayBuffer>).subarray(row * width, (row + 1) * width);
      return [name, new Tensor('float32', values, [1, width])];
    });
    return Object.fromEntries(entries);
  }
}

export class Drafter {
  readonly #graph: GraphSession;

  constructor(graph: GraphSession) {
    this.#graph = graph;
  }

  /** `states` at some token, from StateTail; `next` f32 [hidden]: embedding of the one after it. */
  async guess(states: Partial<States>, next: Float32Array): Promise<Guess> {
    const feeds = {
      ...states,
      next: new Tensor('float32', next as Float32Array<ArrayBuffer>, [1, next.length]),
    };
    const { token, probability } = await this.#graph.run(feeds);
    return {
      token: Number((token!.data as BigInt64Array)[0]),
      probability: (probability!.data as Float32Array)[0]!,
    };
  }

  release(): Promise<void> {
    return this.#graph.release();
  }
}
