/** One ONNX graph in onnxruntime. The only file that knows session options. */
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';

/** A tensor that a graph takes; sizes that are known only at run time by name. */
export interface GraphInput {
  name: string;
  shape: readonly (number | string)[];
}

export class GraphSession {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** Opens the graph at `path`; its external data, next to it, is mapped by onnxruntime. Blocks this thread meanwhile. */
  static async open(path: string, threads: number): Promise<GraphSession> {
    try {
      const session = await InferenceSession.create(path, {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
        // Shapes differ from run to run, so patterns and pools of past runs only hold memory.
        enableMemPattern: false,
        extra: { session: { force_spinning_stop: '1' } },
      });
      return new GraphSession(session);
    } catch (cause) {
      throw toSessionError(cause, `${path} can't be opened`);
    }
  }

  get inputs(): GraphInput[] {
    return this.#session.inputMetadata.flatMap(input =>
      input.isTensor ? [{ name: input.name, shape: input.shape }] : [],
    );
  }

  async run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    try {
      return (await this.#session.run(feeds)) as Record<string, Tensor>;
    } catch (cause) {
      throw toSessionError(cause, 'The model could not be run');
    }
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

function toSessionError(cause: unknown, what: string): MoebiusError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/alloc|out of memory/i.test(message)) {
    return new MoebiusError(
      'out-of-memory',
      `${what}: there is not enough memory. Choose a smaller model or context.`,
      {
        cause,
      },
    );
  }
  return new MoebiusError('internal', `${what}: ${message}`, { cause });
}
