/**
 * Graphs with their weights as onnxruntime's kernels have packed them. The runtime can save that form; version 1.30 writes each
 * blob right behind the last, but its kernels read them where they are mapped and want them aligned: as saved, a graph of more
 * than one weight computes nonsense. Laid again on page boundaries the bytes are right.
 *
 * Packing holds both forms of a weight in memory. So a graph is packed in parts (`writeParts`), each a graph of some of its
 * products; what is saved of them is put together behind the plain weights (`PackedWriter`).
 */
import { type FileHandle, link, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onnx } from 'onnx-proto';
import { MoebiusError } from '../base/errors.ts';
import { ExternalDataWriter } from './onnx-data.ts';
import { TOKEN_PRODUCT } from './token-product.ts';

/** Key of the n-th packed form of a weight; its value is `<kernel>+<hash>|<offset>;<length>;<more>`. */
const PACKED_KEY = /^prepacked_\d+$/;
const PACKED_VALUE = /^([^|;]+)\|(\d+);(\d+);(.*)$/;
const PIECE_BYTES = 16 * 1024 * 1024;
/** Products whose weights this runtime packs and can save packed. */
/** onnxruntime's operator for weights in blocks. */
export const BLOCK_PRODUCT = 'MatMulNBits';
const PACKED_OPERATORS = new Set([BLOCK_PRODUCT, TOKEN_PRODUCT]);
const [FLOAT32, UINT8] = [1, 2];

export interface PackedGraph {
  onnx: string;
  data: string;
}

/**
 * Paths of graphs in `folder`, one after the other, that hold all products of `graph` with packable weights, about `partBytes`
 * of them each. A graph finds its weights beside it, so they are linked there. The folder is made, and gone afterwards.
 */
export async function* writeParts(
  graph: PackedGraph,
  folder: string,
  partBytes: number,
): AsyncGenerator<string> {
  await mkdir(folder);
  try {
    await link(graph.data, join(folder, basename(graph.data)));
    const path = join(folder, 'part.onnx');
    for await (const bytes of packableParts(graph.onnx, partBytes)) {
      await writeFile(path, bytes);
      yield path;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* packableParts(path: string, partBytes: number): AsyncGenerator<Uint8Array> {
  const model = onnx.ModelProto.decode(await readFile(path));
  const weights = new Map((model.graph?.initializer ?? []).map(tensor => [tensor.name ?? '', tensor]));
  let nodes: onnx.INodeProto[] = [];
  let bytes = 0;
  for (const node of model.graph?.node ?? []) {
    if (!PACKED_OPERATORS.has(node.opType ?? '')) continue;
    nodes.push(node);
    bytes += Number(fieldOf(weights.get(node.input?.[1] ?? ''), 'length') ?? 0);
    if (bytes < partBytes) continue;
    yield part(model, nodes, weights);
    [nodes, bytes] = [[], 0];
  }
  if (nodes.length > 0) yield part(model, nodes, weights);
}

function part(
  { irVersion, opsetImport }: onnx.ModelProto,
  nodes: readonly onnx.INodeProto[],
  weights: ReadonlyMap<string, onnx.ITensorProto>,
): Uint8Array {
  const graph = new onnx.GraphProto({ name: 'part' });
  const used = new Set<string>();
  for (const [i, node] of nodes.entries()) {
    const [, ...constants] = node.input ?? [];
    const { type, cols, rows } = shapeOf(node, weights);
    graph.input.push(rowsOf(`in.${i}`, cols, type));
    graph.output.push(rowsOf(`out.${i}`, rows, FLOAT32));
    graph.node.push(new onnx.NodeProto({ ...node, input: [`in.${i}`, ...constants], output: [`out.${i}`] }));
    for (const name of constants) used.add(name);
  }
  for (const name of used) if (weights.has(name)) graph.initializer.push(weights.get(name)!);
  return onnx.ModelProto.encode(new onnx.ModelProto({ irVersion, opsetImport, graph })).finish();
}

/** What a product takes, and how wide it makes a row of it. */
function shapeOf(
  node: onnx.INodeProto,
  weights: ReadonlyMap<string, onnx.ITensorProto>,
): { type: number; cols: number; rows: number } {
  if (node.opType === TOKEN_PRODUCT) {
    const [cols, rows] = weights.get(node.input?.[1] ?? '')?.dims ?? [];
    return { type: UINT8, cols: Number(cols), rows: Number(rows) };
  }
  const size = (name: string) => Number(node.attribute?.find(one => one.name === name)?.i);
  return { type: FLOAT32, cols: size('K'), rows: size('N') };
}

const rowsOf = (name: string, width: number, elemType: number): onnx.IValueInfoProto => ({
  name,
  type: { tensorType: { elemType, shape: { dim: [{ dimParam: 'n' }, { dimValue: width }] } } },
});

/** Puts a packed graph together: `to` is the graph at `from` with the packed weights of its parts. */
export class PackedWriter {
  readonly #from: PackedGraph;
  readonly #to: PackedGraph;
  readonly #writer: ExternalDataWriter;
  /** What a weight's entry says, by its name. */
  readonly #packed = new Map<string, string>();

  private constructor(from: PackedGraph, to: PackedGraph, writer: ExternalDataWriter) {
    this.#from = from;
    this.#to = to;
    this.#writer = writer;
  }

  /** Begins with the plain weights, which stay where they are in their file. */
  static async create(from: PackedGraph, to: PackedGraph): Promise<PackedWriter> {
    const writer = await ExternalDataWriter.create(to.data);
    const made = new PackedWriter(from, to, writer);
    await made.#copying(from.data, copy => copy(0, Number.POSITIVE_INFINITY));
    return made;
  }

  /** Adds what the runtime saved of a part. Throws `format-invalid` if it is not as expected: that of another version. */
  async add(saved: PackedGraph): Promise<void> {
    const model = onnx.ModelProto.decode(await readFile(saved.onnx));
    await this.#copying(saved.data, async copy => {
      for (const { name, externalData } of model.graph?.initializer ?? []) {
        for (const { key, value } of externalData ?? []) {
          if (!PACKED_KEY.test(key ?? '')) continue;
          const [, kernel, offset, length, more] = PACKED_VALUE.exec(value ?? '') ?? [];
          // One blob a weight; of more we have never seen how they are written.
          if (!kernel || more !== '0') throw unexpected(`a packed weight is described as ${value}`);
          const blob = await copy(Number(offset), Number(length));
          this.#packed.set(name ?? '', `${kernel}|${blob.offset};${length};0`);
        }
      }
    });
  }

  /** Throws `format-invalid` if nothing was packed. */
  async close(): Promise<void> {
    if (this.#packed.size === 0) throw unexpected('nothing in it is packed');
    await this.#writer.close();
    const model = onnx.ModelProto.decode(await readFile(this.#from.onnx));
    for (const { name, externalData } of model.graph?.initializer ?? []) {
      const location = externalData?.find(entry => entry.key === 'location');
      if (location?.value === basename(this.#from.data)) location.value = basename(this.#to.data);
      const packed = this.#packed.get(name ?? '');
      if (packed) externalData!.push({ key: 'prepacked_0', value: packed });
    }
    await writeFile(this.#to.onnx, onnx.ModelProto.encode(model).finish(), { flush: true });
  }

  discard(): Promise<void> {
    return this.#writer.discard();
  }

  async #copying(
    path: string,
    run: (copy: (offset: number, length: number) => Promise<{ offset: number }>) => Promise<unknown>,
  ): Promise<void> {
    const source = await open(path, 'r');
    try {
      const { size } = await source.stat();
      await run((offset, length) => {
        const count = Math.min(length, size - offset);
        if (count < 0 || (count < length && Number.isFinite(length)))
          throw unexpected('a weight reaches outside its file');
        return this.#writer.write(pieces(source, offset, count));
      });
    } finally {
      await source.close();
    }
  }
}

/** A stretch of a file, in bytes. */
export interface FileRange {
  offset: number;
  length: number;
}

/** Where the packed weights of a packed graph lie in its data file, by the names of the weights. */
export async function packedWeights(path: string): Promise<Map<string, FileRange>> {
  const model = onnx.ModelProto.decode(await readFile(path));
  const found = new Map<string, FileRange>();
  for (const { name, externalData } of model.graph?.initializer ?? []) {
    const entry = externalData?.find(({ key }) => PACKED_KEY.test(key ?? ''));
    const [, , offset, length] = PACKED_VALUE.exec(entry?.value ?? '') ?? [];
    if (length !== undefined) found.set(name ?? '', { offset: Number(offset), length: Number(length) });
  }
  return found;
}

/** Refuses (`format-invalid`) a graph whose packed weights lie outside their file; assertSafeOnnx looks at the rest. */
export async function assertSafePacked(path: string): Promise<void> {
  const model = onnx.ModelProto.decode(await readFile(path));
  for (const tensor of model.graph?.initializer ?? []) {
    for (const { key, value } of tensor.externalData ?? []) {
      if (!PACKED_KEY.test(key ?? '')) continue;
      const { size } = await stat(join(dirname(path), basename(fieldOf(tensor, 'location') ?? '')));
      const [, , offset, length, more] = PACKED_VALUE.exec(value ?? '') ?? [];
      if (more !== '0' || Number(offset) + Number(length) > size)
        throw unexpected('a packed weight reaches outside its file');
    }
  }
}

const fieldOf = (tensor: onnx.ITensorProto | undefined, key: string): string | null | undefined =>
  tensor?.externalData?.find(entry => entry.key === key)?.value;

async function* pieces(file: FileHandle, offset: number, length: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(Math.min(length, PIECE_BYTES));
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - done), offset + done);
    if (bytesRead === 0) throw unexpected('its data file ended early');
    yield buffer.subarray(0, bytesRead);
    done += bytesRead;
  }
}

const unexpected = (problem: string): MoebiusError =>
  new MoebiusError('format-invalid', `The packed graph is not as expected: ${problem}.`);
