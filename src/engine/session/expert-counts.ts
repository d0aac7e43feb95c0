/** How many tokens went to which expert, as the graph of a trained Mixture-of-Experts tells after every run. */
import type { Tensor } from 'onnxruntime-node';
import type { ExpertHistogram } from '../hot-experts.ts';

const OUTPUT = /^ffn\.(\d+)\.counts$/;

export class ExpertCounts {
  readonly #byLayer = new Map<number, number[]>();

  /** `output` of a run of `body`. */
  add(output: Record<string, Tensor>): void {
    for (const [name, { data }] of Object.entries(output)) {
      const layer = OUTPUT.exec(name)?.[1];
      if (layer === undefined) continue;
      const tokens = this.#layer(Number(layer), data.length);
      (data as BigInt64Array).forEach((count, expert) => {
        tokens[expert]! += Number(count);
      });
    }
  }

  read(): ExpertHistogram {
    return [...this.#byLayer].map(([layer, tokens]) => ({ layer, tokens: [...tokens] }));
  }

  #layer(index: number, experts: number): number[] {
    const tokens = this.#byLayer.get(index) ?? new Array<number>(experts).fill(0);
    this.#byLayer.set(index, tokens);
    return tokens;
  }
}
