/** The graphs that read with few experts: the first layers, and behind them the shortcut or the rest. Opened when first asked for. */
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import type { GraphFile } from '../../models/manifest.ts';
import { GraphSession } from './graph-session.ts';
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
    { shortcut, logitRows, targets }: Pick<ForwardArgs, 'shortcut' | 'logitRows' | 'targets'>,
  ): Promise<Tensors> {
    const { graphs, name } = this.#options.manifest;
    if (!graphs.routed) {
      throw new MoebiusError('unsupported', `${name} was converted without routed experts.`);
    }
    const first = await (await this.#open(graphs.routed)).run(feeds);
    if (!graphs.shortcut) return first;
    const { state, ...rows } = first;
    const behind = { ...feeds, x: state! };
    const areStatesWanted = !shortcut || logitRows > 0 || targets;
    return {
      ...rows,
      ...(areStatesWanted && (await (await this.#open(graphs.shortcut.rest)).run(behind))),
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
