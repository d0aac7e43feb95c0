/** What must hold of an ONNX file from elsewhere before a runtime opens it: its weights lie in its own folder. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep, win32 } from 'node:path';
import { onnx } from 'onnx-proto';
import { MoebiusError } from '../base/errors.ts';

/** Graph files hold no weights; the largest that `convert` writes is under 2 MB. */
const GRAPH_BYTES = 64 * 1024 * 1024;
const SUBGRAPH_DEPTH = 16;

/**
 * Refuses (`format-invalid`) a graph that is too large, is not ONNX, or has external data outside its folder (by `..`, an
 * absolute path or a link) or outside its file. Returns the names of the data files, relative to the folder.
 */
export async function assertSafeOnnx(path: string): Promise<string[]> {
  const name = basename(path);
  const refuse = (problem: string, cause?: unknown) =>
    new MoebiusError('format-invalid', `${name} is not a usable ONNX file: ${problem}.`, { cause });

  const { size } = await stat(path);
  if (size > GRAPH_BYTES) throw refuse(`it has ${size} bytes, at most ${GRAPH_BYTES} are allowed`);
  let graph: onnx.IGraphProto | null | undefined;
  let functions: onnx.IFunctionProto[];
  try {
    const model = onnx.ModelProto.decode(await readFile(path));
    graph = model.graph;
    functions = model.functions;
  } catch (error) {
    throw refuse('it cannot be decoded', error);
  }
  if (!graph?.node?.length) throw refuse('it has no graph');

  const folder = await realpath(dirname(path));
  const sizes = new Map<string, number>();
  const tensors = [
    ...tensorsOf(graph, refuse, 0),
    ...functions.flatMap(f => nodeTensors(f.node ?? [], refuse, 0)),
  ];
  for (const tensor of tensors) {
    if (!tensor.externalData?.length) continue;
    const field = `tensor ${JSON.stringify(tensor.name ?? '')}`;
    const entries = new Map(tensor.externalData.map(entry => [entry.key, entry.value ?? '']));
    const location = entries.get('location') ?? '';
    if (leavesFolder(location)) {
      throw refuse(`${field} is stored in ${JSON.stringify(location)}, outside the model's folder`);
    }
    const fileBytes = sizes.get(location) ?? (await sizeInside(folder, location));
    if (fileBytes === null)
      throw refuse(`${field} is stored in ${JSON.stringify(location)}, which is not a file there`);
    sizes.set(location, fileBytes);
    const offset = Number(entries.get('offset') ?? 0);
    const length = Number(entries.get('length') ?? fileBytes - offset);
    const isInside = isCount(offset) && isCount(length) && offset + length <= fileBytes;
    if (!isInside) throw refuse(`${field} reaches outside ${location}`);
  }
  return [...sizes.keys()];
}

type Refuse = (problem: string) => MoebiusError;

function tensorsOf(graph: onnx.IGraphProto, refuse: Refuse, depth: number): onnx.ITensorProto[] {
  if (depth > SUBGRAPH_DEPTH) throw refuse('its graphs are nested too deeply');
  const sparse = (graph.sparseInitializer ?? []).flatMap(partsOfSparse);
  return [...(graph.initializer ?? []), ...sparse, ...nodeTensors(graph.node ?? [], refuse, depth)];
}

function nodeTensors(nodes: onnx.INodeProto[], refuse: Refuse, depth: number): onnx.ITensorProto[] {
  return nodes
    .flatMap(node => node.attribute ?? [])
    .flatMap(attribute => [
      ...(attribute.t ? [attribute.t] : []),
      ...(attribute.tensors ?? []),
      ...[attribute.sparseTensor ?? {}, ...(attribute.sparseTensors ?? [])].flatMap(partsOfSparse),
      ...[...(attribute.g ? [attribute.g] : []), ...(attribute.graphs ?? [])].flatMap(graph =>
        tensorsOf(graph, refuse, depth + 1),
      ),
    ]);
}

function partsOfSparse(sparse: onnx.ISparseTensorProto): onnx.ITensorProto[] {
  return [sparse.values, sparse.indices].filter(part => part != null);
}

function leavesFolder(location: string): boolean {
  const isRooted = isAbsolute(location) || win32.isAbsolute(location) || /^[a-z]:/i.test(location);
  return location === '' || isRooted || location.split(/[\\/]/).includes('..');
}

/** Size of the file `location`, links resolved; null if there is none or it lies outside `folder`. */
async function sizeInside(folder: string, location: string): Promise<number | null> {
  try {
    const target = await realpath(join(folder, location));
    const way = relative(folder, target);
    if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return null;
    const found = await stat(target);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
