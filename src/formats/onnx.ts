/**
 * Writes ONNX graphs: nodes and small tensors in the `.onnx` file, big ones in a `.data` file beside it (onnx-data.ts).
 * The protobuf encoding is onnx-proto's, generated from ONNX's own schema. Graphs are in SSA form: every value has one
 * producer, is produced before it is used, and gives its node the name.
 */
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { onnx } from 'onnx-proto';
import { MoebiusError } from '../base/errors.ts';
import type { ExternalBlob } from './onnx-data.ts';

export { type ExternalBlob, ExternalDataWriter } from './onnx-data.ts';
export { assertSafeOnnx } from './onnx-safety.ts';

/** The first IR version that carries opset 21. */
const IR_VERSION = 10;
const OPSETS = [
  { domain: '', version: 21 },
  { domain: 'com.microsoft', version: 1 },
];

/** Tensors above this belong into the data file: the graph stays quick to parse and is never memory-mapped. */
const INLINE_BYTES = 64 * 1024;

const DTYPES = {
  float32: { id: 1, bytes: 4 },
  uint8: { id: 2, bytes: 1 },
  int8: { id: 3, bytes: 1 },
  int32: { id: 6, bytes: 4 },
  int64: { id: 7, bytes: 8 },
  bool: { id: 9, bytes: 1 },
  float16: { id: 10, bytes: 2 },
} as const;
export type OnnxDtype = keyof typeof DTYPES;

/** A number, or the name of a size that is known only at run time. */
export type OnnxDim = number | string;

/** A bare number is an int attribute; floats say so, because ONNX tells the two apart and JavaScript does not. */
export type OnnxAttribute = number | number[] | string | { float: number } | { floats: number[] };

export class OnnxBuilder {
  readonly #graph: onnx.GraphProto;
  readonly #producer: { name: string; version: string };
  /** Every value that exists so far. */
  readonly #values = new Set<string>();

  constructor(graphName: string, producer: { name: string; version: string }) {
    this.#graph = new onnx.GraphProto({ name: graphName });
    this.#producer = producer;
  }

  addInput(name: string, dtype: OnnxDtype, dims: readonly OnnxDim[]): string {
    this.#graph.input.push(valueInfo(name, dtype, dims));
    return this.#define(name);
  }

  /** Marks an existing value as an output of the graph. */
  addOutput(name: string, dtype: OnnxDtype, dims: readonly OnnxDim[]): void {
    this.#require(name, 'the outputs');
    this.#graph.output.push(valueInfo(name, dtype, dims));
  }

  /**
   * A node that makes `outputs` from `inputs` ('' = an optional input left out); returns its first output.
   * `domain` is '' for ONNX's own operators, `com.microsoft` for onnxruntime's.
   */
  addNode(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain: '' | 'com.microsoft' = '',
  ): string {
    const name = outputs.find(output => output !== '');
    if (!name) throw mistake(`a ${opType} node without outputs`);
    for (const input of inputs) if (input !== '') this.#require(input, name);
    for (const output of outputs) if (output !== '') this.#define(output);
    this.#graph.node.push(
      new onnx.NodeProto({
        name,
        opType,
        domain,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      }),
    );
    return name;
  }

  /** A small constant inside the graph file; `data` holds `dims` values in row-major order. */
  addInitializer(
    name: string,
    dtype: OnnxDtype,
    dims: readonly number[],
    data: readonly number[] | ArrayBufferView,
  ): string {
    const rawData = ArrayBuffer.isView(data) ? bytesOf(data) : encode(dtype, data);
    if (rawData.length > INLINE_BYTES) throw mistake(`${name} has ${rawData.length} bytes: use addExternal`);
    checkLength(name, dtype, dims, rawData.length);
    this.#graph.initializer.push(
      new onnx.TensorProto({ name, dataType: DTYPES[dtype].id, dims: [...dims], rawData }),
    );
    return this.#define(name);
  }

  /** A constant in the data file, at the place an ExternalDataWriter gave. Several may share one blob. */
  addExternal(name: string, dtype: OnnxDtype, dims: readonly number[], blob: ExternalBlob): string {
    checkLength(name, dtype, dims, blob.length);
    this.#graph.initializer.push(
      new onnx.TensorProto({
        name,
        dataType: DTYPES[dtype].id,
        dims: [...dims],
        dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
        externalData: [
          { key: 'location', value: blob.location },
          { key: 'offset', value: String(blob.offset) },
          { key: 'length', value: String(blob.length) },
        ],
      }),
    );
    return this.#define(name);
  }

  /** The graph as the bytes of a file. */
  encode(): Uint8Array {
    const model = new onnx.ModelProto({
      irVersion: IR_VERSION,
      producerName: this.#producer.name,
      producerVersion: this.#producer.version,
      opsetImport: OPSETS,
      graph: this.#graph,
    });
    return onnx.ModelProto.encode(model).finish();
  }

  /** Writes the graph by a temporary file and rename; returns what the manifest needs to know of it. */
  async write(path: string): Promise<{ sha256: string; sizeBytes: number }> {
    const bytes = this.encode();
    await writeWhole(path, bytes);
    return { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
  }

  #define(name: string): string {
    if (name === '' || this.#values.has(name))
      throw mistake(`the value ${JSON.stringify(name)} is made twice`);
    this.#values.add(name);
    return name;
  }

  #require(name: string, user: string): void {
    if (!this.#values.has(name))
      throw mistake(`${user} uses ${JSON.stringify(name)}, which nothing made before`);
  }
}

/** A wrong call by the graph builder's user: a bug, not something a person at the screen can act on. */
function mistake(problem: string): MoebiusError {
  return new MoebiusError('internal', `The ONNX graph is not well formed: ${problem}.`);
}

function valueInfo(name: string, dtype: OnnxDtype, dims: readonly OnnxDim[]): onnx.ValueInfoProto {
  const dim = dims.map(size => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return new onnx.ValueInfoProto({
    name,
    type: { tensorType: { elemType: DTYPES[dtype].id, shape: { dim } } },
  });
}

function attribute(name: string, value: OnnxAttribute): onnx.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: Buffer.from(value, 'utf8') };
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: integer(name, value) };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value.map(i => integer(name, i)) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.FLOATS, floats: value.floats };
}

function integer(name: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw mistake(`attribute ${name} is ${value}: write { float: ${value} }`);
  return value;
}

function checkLength(name: string, dtype: OnnxDtype, dims: readonly number[], length: number): void {
  const expected = dims.reduce((product, size) => product * size, DTYPES[dtype].bytes);
  if (length !== expected) {
    throw mistake(`${name} is ${dtype} [${dims.join(', ')}], ${expected} bytes, but has ${length}`);
  }
}

function encode(dtype: OnnxDtype, values: readonly number[]): Uint8Array {
  switch (dtype) {
    case 'float32':
      return bytesOf(Float32Array.from(values));
    case 'int64':
      return bytesOf(BigInt64Array.from(values, BigInt));
    case 'int32':
      return bytesOf(Int32Array.from(values));
    case 'float16':
      throw mistake('float16 constants are given as bits, in a Uint16Array');
    default:
      return bytesOf(Uint8Array.from(values));
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.partial`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
