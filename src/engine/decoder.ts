/** Steps of writing: one token is given, the logits after it come back; drafts that proved right come without a run. */
import { hasCheapRows } from '../models/products.ts';
import type { EngineCore } from './core.ts';
import { PromptLookup } from './prompt-lookup.ts';
import type { Run } from './run.ts';

/**
 * What drafts cost and bring. Constants, not what this machine measures: the length of a draft decides how numbers are rounded, and
 * greedy must not depend on time.
 */
interface DraftCosts {
  /** Of one more row in a run, as a share of a run of one row. */
  row: number;
  /** Rows of a draft from the prompt, at most. */
  most: number;
  /** How likely the drafter's guesses have to be: what a row and the guess cost, in the tokens that this time would bring otherwise. */
  above: readonly number[];
  /** What its guesses bring, in tokens less what their rows cost. */
  gain: number;
}

/** Blocks, and experts that each row chooses for itself: every row is multiplied anew. The second of a run is by far the cheapest (docs/engine.md). */
const BLOCKS: DraftCosts = { row: 0.25, most: 8, above: [0.2, 0.45, 0.4], gain: 0.7 };
/** Products of 8-bit codes: sixteen rows cost little more than one, so that what a guess costs is the drafter's own work. */
const CODES: DraftCosts = { row: 0.04, most: 15, above: [0.1, 0.15, 0.1], gain: 1.1 };

export class Decoder {
  readonly #core: EngineCore;
  readonly #run: Run;
  readonly #costs: DraftCosts;
  /** What a step gains without a draft from the prompt. */
  readonly #otherwise: number;
  /** null where nothing is drafted. */
  readonly #lookup: PromptLookup | null;
  /** Tokens of the draft that are not judged yet; the sequence ends with them. */
  #draft: number[] = [];
  /** Logits after each of them, f32 [vocab]. */
  #rows: Float32Array[] = [];
  #drafted = 0;
  /** The draft is the prompt's, not the drafter's. */
  #learns = false;

  constructor(
    core: EngineCore,
    run: Run,
    request: { prompt: readonly number[]; drafts?: boolean | undefined },
  ) {
    this.#core = core;
    this.#run = run;
    this.#costs = hasCheapRows(core.manifest) ? CODES : BLOCKS;
    this.#otherwise = core.manifest.graphs.drafter ? this.#costs.gain : 0;
    this.#lookup = request.drafts === false ? null : new PromptLookup(request.prompt);
  }

  /**
   * Logits f32 [vocab] after `token`, which follows all tokens before. `room` is how many more will be asked for at most.
   * They equal those of steps of one token up to rounding: with quantised weights that is about 0.03 nats. Throws `cancelled`.
   */
  async next(token: number, room: number): Promise<Float32Array> {
    this.#lookup?.push(token);
    if (this.#draft[0] === token) {
      this.#draft.shift();
      this.#core.decodeMeter.add(1, 0);
      return this.#rows.shift()!;
    }
    this.end();
    const draft =
      this.#lookup?.draft(Math.min(room, this.#costs.most), this.#costs.row, this.#otherwise) ?? [];
    const isAsked = this.#lookup !== null && draft.length === 0 && room > 0;
    const { rows, drafted } = await this.#run.step(
      [token, ...draft],
      isAsked ? this.#costs.above.slice(0, room) : null,
    );
    this.#draft = isAsked ? drafted : draft;
    this.#learns = !isAsked;
    this.#drafted = this.#draft.length;
    const [first, ...others] = rows;
    this.#rows = others;
    return first!;
  }

  /** Forgets what is left of the draft. */
  end(): void {
    if (this.#learns && this.#drafted > 0)
      this.#lookup?.learn(this.#drafted - this.#draft.length, this.#drafted);
    this.#run.forget(this.#draft.length);
    this.#draft = [];
    this.#rows = [];
    this.#drafted = 0;
  }
}
