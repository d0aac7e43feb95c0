/** The graphs that read with few experts: the first layers, and behind them the shortcut or the rest. Opened when first asked for. */
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import type { ExpertsPerToken, GraphFile } from '../../models/manifest.ts';
import { integers } from './attention-inputs.ts';
import { type GraphInput, GraphSession } from './graph-session.ts';
import type { ForwardArgs, LoadArgs } from './wire.ts';

type Tensors = Record<string, Tensor>;

export class RoutedGraphs {
  readonly #options: LoadArgs;
  readonly #opened = new Map<string, Promise<GraphSession>>();

  constructor(options: LoadArgs) {
    this.#options = options;
  }

  /** Runs all layers on `feeds`. With `shortcut` there are no states behind it, unless `logitRows` or `targets` want them. */
  async run(
    feeds: Tensors,
    {
      experts,
      shortcut,
      logitRows,
      targets,
    }: Pick<ForwardArgs, 'shortcut' | 'logitRows' | 'targets'> & { experts: ExpertsPerToken },
  ): Promise<Tensors> {
    const { graphs, name } = this.#options.manifest;
    if (!graphs.routed) {
      throw new MoebiusError('unsupported', `${name} was converted without routed experts.`);
    }
    const routed = await this.#open(graphs.routed);
    const k = expertsInput(experts, routed.inputs);
    const first = await routed.run({ ...feeds, k });
    if (!graphs.shortcut) return first;
    const { state, ...rows } = first;
    const behind = { ...feeds, x: state! };
    const areStatesWanted = !shortcut || logitRows > 0 || targets;
    return {
      ...rows,
      ...(areStatesWanted && (await (await this.#open(graphs.shortcut.rest)).run({ ...behind, k }))),
      ...(shortcut && (await (await this.#open(graphs.shortcut)).run(behind))),
    };
  }

  async release(): Promise<void> {
    for (const session of this.#opened.values()) await (await session).release();
  }

  #open({ onnx }: GraphFile): Promise<GraphSession> {
    const { folder, threads } = this.#options;
    const known = this.#opened.get(onnx);
    if (known) return known;
    const session = GraphSession.open(join(folder, onnx), threads);
    this.#opened.set(onnx, session);
    // When there is more memory it may work.
    session.catch(() => this.#opened.delete(onnx));
    return session;
  }
}

/** i64 [layers]; i64 [1] for a graph that was converted when all layers had to take the same number. */
function expertsInput(experts: ExpertsPerToken, inputs: readonly GraphInput[]): Tensor {
  const wanted = inputs.find(({ name }) => name === 'k')?.shape[0] as number;
  const given = typeof experts === 'number' ? new Array<number>(wanted).fill(experts) : experts;
  return integers(given, [given.length]);
}
