/** The graphs that read with few experts: the first layers, and behind them the shortcut or the rest. Opened when first asked for. */
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { availableBytes } from '../../base/memory.ts';
import type { ExpertsPerToken, GraphFile } from '../../models/manifest.ts';
import { integers } from './attention-inputs.ts';
import { type GraphInput, GraphSession } from './graph-session.ts';
import type { ForwardArgs, LoadArgs } from './wire.ts';

type Tensors = Record<string, Tensor>;
type Session = Pick<GraphSession, 'inputs' | 'run' | 'release'>;

/** Where they did not fit into memory it is not tried again for so long: a try takes seconds. */
const AGAIN_MS = 60_000;

/** How it meets the machine; tests script one. */
export interface RoutedPorts {
  open(path: string, threads: number): Promise<Session>;
  /** Bytes that can be had without harm to other programs; null where that is not known, or need not be. */
  availableBytes(): number | null;
  now(): number;
}

const PORTS: RoutedPorts = {
  open: GraphSession.open,
  // Linux gives what it does not have, and ends a process for it later; Windows refuses it, and macOS swaps.
  availableBytes: () => (process.platform === 'linux' ? availableBytes() : null),
  now: () => performance.now(),
};

export class RoutedGraphs {
  readonly #options: LoadArgs;
  readonly #ports: RoutedPorts;
  readonly #opened = new Map<string, Session>();
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LoadArgs, ports = PORTS) {
    this.#options = options;
    this.#ports = ports;
  }

  /**
   * Runs all layers on `feeds`. With `shortcut` there are no states behind it, unless `logitRows` or `targets` want them. null
   * where the graphs, which have their own copy of the weights, don't fit into memory.
   */
  async run(
    feeds: Tensors,
    {
      experts,
      shortcut,
      logitRows,
      targets,
    }: Pick<ForwardArgs, 'shortcut' | 'logitRows' | 'targets'> & { experts: ExpertsPerToken },
  ): Promise<Tensors | null> {
    const { graphs, name } = this.#options.manifest;
    if (!graphs.routed) {
      throw new MoebiusError('unsupported', `${name} was converted without routed experts.`);
    }
    const areStatesWanted = !shortcut || logitRows > 0 || targets;
    const behindIt = graphs.shortcut && [
      ...(areStatesWanted ? [graphs.shortcut.rest] : []),
      ...(shortcut ? [graphs.shortcut] : []),
    ];
    if (!(await this.#areOpen([graphs.routed, ...(behindIt ?? [])]))) return null;
    const session = ({ onnx }: GraphFile) => this.#opened.get(onnx)!;
    const routed = session(graphs.routed);
    const k = expertsInput(experts, routed.inputs);
    const first = await routed.run({ ...feeds, k });
    if (!graphs.shortcut) return first;
    const { state, ...rows } = first;
    const behind = { ...feeds, x: state! };
    return {
      ...rows,
      ...(areStatesWanted && (await session(graphs.shortcut.rest).run({ ...behind, k }))),
      ...(shortcut && (await session(graphs.shortcut).run(behind))),
    };
  }

  async release(): Promise<void> {
    const sessions = [...this.#opened.values()];
    this.#opened.clear();
    for (const session of sessions) await session.release();
  }

  /** Opens those of `files` that are not. Where one does not fit, all are closed: what they hold is needed. */
  async #areOpen(files: readonly GraphFile[]): Promise<boolean> {
    const { folder, threads } = this.#options;
    const closed = files.filter(({ onnx }) => !this.#opened.has(onnx));
    if (closed.length === 0) return true;
    if (this.#ports.now() - this.#triedAt < AGAIN_MS) return false;
    try {
      if (!this.#isRoomFor(closed)) throw new MoebiusError('out-of-memory', 'They would not fit.');
      for (const { onnx } of closed)
        this.#opened.set(onnx, await this.#ports.open(join(folder, onnx), threads));
      return true;
    } catch (error) {
      if (toMoebiusError(error).code !== 'out-of-memory') throw error;
      this.#triedAt = this.#ports.now();
      await this.release();
      return false;
    }
  }

  #isRoomFor(files: readonly GraphFile[]): boolean {
    const { manifest, packed } = this.#options;
    const available = this.#ports.availableBytes();
    if (available === null) return true;
    // Mapped weights count as available, yet every step reads them.
    const mapped = packed ? [manifest.graphs.body] : [];
    const needed = [...files, ...mapped].map(({ data }) => manifest.files[data]?.sizeBytes ?? 0);
    return needed.reduce((sum, bytes) => sum + bytes, 0) <= available;
  }
}

/** i64 [layers]; i64 [1] for a graph that was converted when all layers had to take the same number. */
function expertsInput(experts: ExpertsPerToken, inputs: readonly GraphInput[]): Tensor {
  const wanted = inputs.find(({ name }) => name === 'k')?.shape[0] as number;
  const given = typeof experts === 'number' ? new Array<number>(wanted).fill(experts) : experts;
  return integers(given, [given.length]);
}
