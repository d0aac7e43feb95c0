/** One ONNX graph in onnxruntime. The only file that knows session options. */
import { basename } from 'node:path';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { MoebiusError } from '../../base/errors.ts';
import type { PackedGraph } from '../../formats/onnx-packed.ts';

/** One session's threads must not spin while another's work. */
const SESSION_ENTRIES = { force_spinning_stop: '1' };

/** A tensor that a graph takes; sizes that are known only at run time by name. */
export interface GraphInput {
  name: string;
  type?: Tensor.Type;
  shape: readonly (number | string)[];
}

export class GraphSession {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** Opens the graph at `path`; its external data, next to it, is mapped by onnxruntime. Blocks this thread meanwhile. */
  static async open(path: string, threads: number): Promise<GraphSession> {
    return new GraphSession(await create(path, threads, {}));
  }

  /** A graph without external data, as the bytes of its file. */
  static async ofBytes(bytes: Uint8Array): Promise<GraphSession> {
    return new GraphSession(await create(bytes, 1, {}));
  }

  /** As `open`, and saves the graph with its weights as the kernels have packed them: formats/onnx-packed.ts. */
  static async savePacked(path: string, to: PackedGraph, threads: number): Promise<GraphSession> {
    const session = await create(path, threads, {
      optimizedModelFilePath: to.onnx,
      // That the graph is optimised for this processor is what is wanted, and no news.
      logSeverityLevel: 3,
      extra: {
        session: {
          ...SESSION_ENTRIES,
          save_external_prepacked_constant_initializers: '1',
          optimized_model_external_initializers_file_name: basename(to.data),
          optimized_model_external_initializers_min_size_in_bytes: '1024',
        },
      },
    });
    return new GraphSession(session);
  }

  get inputs(): GraphInput[] {
    return this.#session.inputMetadata.flatMap(input =>
      input.isTensor ? [{ name: input.name, type: input.type, shape: input.shape }] : [],
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

/** `graph`: its path, or the bytes of its file. */
async function create(
  graph: string | Uint8Array,
  threads: number,
  more: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // Shapes differ from run to run, so patterns and pools of past runs only hold memory.
    enableMemPattern: false,
    extra: { session: SESSION_ENTRIES },
    ...more,
  };
  try {
    return typeof graph === 'string'
      ? await InferenceSession.create(graph, options)
      : await InferenceSession.create(graph, options);
  } catch (cause) {
    throw toSessionError(cause, `${typeof graph === 'string' ? graph : 'A graph'} can't be opened`);
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
