/** Steps of writing: one token is given, the logits after it come back; drafts that proved right come without a run. */
import type { EngineCore } from './core.ts';
import { PromptLookup } from './prompt-lookup.ts';
import type { Run } from './run.ts';

/**
 * Cost of one more row in a run, as a share of a run of one row: 0.2 to 0.3 where 4-bit weights were measured. A constant,
 * not what this machine measures: the length of a draft decides how numbers are rounded, and greedy must not depend on time.
 */
const ROW_COST = 0.25;
/**
 * How likely the drafter's guesses have to be. The second row of a run is by far the cheapest; those behind it have to bring
 * more than the time they take would bring otherwise (docs/engine.md).
 */
const DRAFT_ABOVE = [0.2, 0.45, 0.4];
/** What its guesses bring, in tokens less what their rows cost. */
const DRAFTER_GAIN = 0.7;

export class Decoder {
  readonly #core: EngineCore;
  readonly #run: Run;
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
    this.#otherwise = core.manifest.graphs.drafter ? DRAFTER_GAIN : 0;
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
    const draft = this.#lookup?.draft(room, ROW_COST, this.#otherwise) ?? [];
    const isAsked = this.#lookup !== null && draft.length === 0 && room > 0;
    const { rows, drafted } = await this.#run.step(
      [token, ...draft],
      isAsked ? DRAFT_ABOVE.slice(0, room) : null,
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
