/** Steps of writing: one token is given, the logits after it come back; drafts that proved right come without a run. */
import type { EngineCore } from './core.ts';
import { PromptLookup } from './prompt-lookup.ts';
import type { Run } from './run.ts';

/** Cost of one more row in a run, as a share of a run of one row, before anything was measured. */
const FIRST_ROW_COST = 0.3;

export class Decoder {
  readonly #core: EngineCore;
  readonly #run: Run;
  /** null where nothing is drafted. */
  readonly #lookup: PromptLookup | null;
  /** Tokens of the draft that are not judged yet; the sequence ends with them. */
  #draft: number[] = [];
  /** Logits after each of them, f32 [vocab]. */
  #rows: Float32Array[] = [];
  #drafted = 0;

  constructor(
    core: EngineCore,
    run: Run,
    request: { prompt: readonly number[]; drafts?: boolean | undefined },
  ) {
    this.#core = core;
    this.#run = run;
    this.#lookup = request.drafts === false ? null : new PromptLookup(request.prompt);
  }

  /**
   * Logits f32 [vocab] after `token`, which follows all tokens before. `room` is how many more will be asked for at most.
   * The tokens chosen from them are those that steps of one token would give, up to rounding. Throws `cancelled`.
   */
  async next(token: number, room: number): Promise<Float32Array> {
    this.#lookup?.push(token);
    if (this.#draft[0] === token) {
      this.#draft.shift();
      this.#core.decodeMeter.add(1, 0);
      return this.#rows.shift()!;
    }
    this.end();
    const draft = this.#lookup?.draft(room, this.#rowCost()) ?? [];
    const [row, ...rows] = await this.#run.step([token, ...draft]);
    this.#draft = draft;
    this.#drafted = draft.length;
    this.#rows = rows;
    return row!;
  }

  /** Forgets what is left of the draft. */
  end(): void {
    if (this.#drafted > 0) this.#lookup?.learn(this.#drafted - this.#draft.length, this.#drafted);
    this.#run.forget(this.#draft.length);
    this.#draft = [];
    this.#rows = [];
    this.#drafted = 0;
  }

  /** A row more costs about what a row of a prompt does: both are bound by arithmetic, a single row by memory. */
  #rowCost(): number {
    const { stepMeter, prefillMeter } = this.#core;
    const [steps, rows] = [stepMeter.tokensPerSecond, prefillMeter.tokensPerSecond];
    return steps && rows ? Math.min(1, steps / rows) : FIRST_ROW_COST;
  }
}
