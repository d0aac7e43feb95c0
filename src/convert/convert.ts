/**
 * A published model into a converted one: its graphs, tokenizer, template and manifest in one folder.
 * Weights stream through a few rows at a time; at most one dense layer is held as float32. The folder is built beside its
 * final place and renamed when the manifest is in it, so that nothing half-made looks whole.
 */
import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import packageJson from '../../package.json';
import { isDiskFull, MoebiusError, toMoebiusError } from '../base/errors.ts';
import { ExternalDataWriter, OnnxBuilder } from '../formats/onnx.ts';
import { checkedTokenizer } from '../formats/tokenizer-json.ts';
import type { EmbeddingTable, ExpertLayout, Manifest } from '../models/manifest.ts';
import { MANIFEST_FORMAT } from '../models/manifest.ts';
import { writeManifest } from '../models/manifest-file.ts';
import { productsOf } from '../models/products.ts';
import { taughtDialect } from '../models/tool-dialect.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import type { Decoder, FeedForward, NextTokenLayer } from './architectures/decoder.ts';
import { openDecoder } from './architectures/registry.ts';
import { type Carving, type CarvingJson, readCarvingJson } from './carving.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { conversionBytes } from './conversion-size.ts';
import { readTrainedCarving } from './deltas.ts';
import { readDrafter } from './drafter.ts';
import { allExperts, denseFeedForward, publishedExpert, splitExperts } from './experts.ts';
import {
  bodyForms,
  carvedForm,
  guesserForms,
  headForm,
  type Precision,
  precisionOf,
  productForm,
  trainedForms,
  type WideForm,
  wideForm,
} from './forms.ts';
import { GraphWriter, type PlacedWeight, type WeightForm } from './graph/linear.ts';
import { carvedExperts, fusedExperts, trainedExperts } from './graph/moe-block.ts';
import { nextTokenDrafter } from './graph/next-token.ts';
import { shortcutGraph } from './graph/shortcut.ts';
import { head, type LayerSource, transformer } from './graph/transformer.ts';
import { BUILD_MARK, buildFolder } from './out-folder.ts';
import { readShortcut, SHORTCUT_JSON } from './shortcut.ts';
import type { MatrixSource } from './weights.ts';

export interface ConvertProgress {
  phase: 'convert';
  percent: number;
  secondsLeft: number | null;
  message: string;
}

export interface ConvertOptions {
  /** The published weights: a GGUF file, or a folder of safetensors with config.json and tokenizer.json. */
  source: string;
  /** sha256 of the source when it has been verified already; recorded in the manifest. */
  sourceSha256: string;
  id: string;
  name: string;
  license: string;
  variant: ModelVariant;
  /** Of `int8`; codes unless it is given: of a processor that gets those wrong. */
  products?: 'codes' | 'blocks';
  /** Folder with carving.json and perhaps deltas.json, or null for a model without routed experts. */
  carvingFolder: string | null;
  /** Folder with drafter.json, or null for a model that does not guess ahead. */
  drafterFolder: string | null;
  /** Final folder of the converted model; replaced, as `<folder>.partial` is, whatever it holds: see `assertReplaceable` for one that a person named. */
  outFolder: string;
  /** Told how many bytes will be written, before they are; what it throws ends the conversion. */
  requireRoom?(bytes: number): Promise<void>;
  onProgress?(progress: ConvertProgress): void;
  signal?: AbortSignal;
}

const PRODUCER = { name: packageJson.name, version: packageJson.version };

/** Throws MoebiusError: `unsupported` architecture or tokenizer, `format-invalid` file, `disk-full`, `cancelled`. */
export async function convertModel(options: ConvertOptions): Promise<Manifest> {
  const building = buildFolder(options.outFolder);
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  await writeFile(join(building, BUILD_MARK), '');
  const checkpoint = await openCheckpoint(options.source).catch(async error => {
    await rm(building, { recursive: true, force: true });
    throw error;
  });
  try {
    const manifest = await build(checkpoint, building, options);
    await writeManifest(building, manifest);
    options.signal?.throwIfAborted();
    await rm(join(building, BUILD_MARK));
    await rm(options.outFolder, { recursive: true, force: true });
    await mkdir(dirname(options.outFolder), { recursive: true });
    await rename(building, options.outFolder);
    return manifest;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if (isDiskFull(error)) {
      throw new MoebiusError(
        'disk-full',
        `The disk is full: converting needs room for ${options.outFolder}.`,
        {
          cause: error,
        },
      );
    }
    throw toMoebiusError(error);
  } finally {
    await checkpoint.close();
  }
}

/**
 * Throws what `convertModel` would throw of weights that it can't read, but for those of their bytes: before all of them are
 * hashed.
 */
export async function assertConvertible(source: string): Promise<void> {
  const checkpoint = await openCheckpoint(source);
  try {
    await openChecked(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

/** What the engine would refuse is refused before hours of work. */
async function openChecked(checkpoint: Checkpoint): Promise<Decoder> {
  const model = await openDecoder(checkpoint);
  checkedTokenizer(checkpoint.text.tokenizer);
  return model;
}

async function build(checkpoint: Checkpoint, folder: string, options: ConvertOptions): Promise<Manifest> {
  const model = await openChecked(checkpoint);
  const { dims } = model;
  const carving = options.carvingFolder ? await readTrainedCarving(options.carvingFolder, dims) : null;
  const guesser = options.drafterFolder
    ? await readDrafter(options.drafterFolder, dims, model.head)
    : model.nextToken;
  const taps = guesser?.taps ?? [];
  const isSplit = carving !== null && options.variant !== 'fp32';
  const shortcut = isSplit ? await readShortcut(options.carvingFolder!, model) : null;
  const files: Manifest['files'] = {};
  const taken = Object.values(carving?.levels ?? {}).some(plan => plan.shortcut);
  if (isSplit && taken && !shortcut) {
    const problem = `${options.carvingFolder} has levels that take a shortcut, and no ${SHORTCUT_JSON}`;
    throw new MoebiusError('model-invalid', `${problem}. Take a level's "shortcut" away, or train one.`);
  }
  if (shortcut && taps.some(layer => layer < shortcut.first))
    throw new MoebiusError(
      'model-invalid',
      'The drafter sees a layer before the shortcut: it can have one of the two.',
    );
  const precision = precisionOf(options.variant, options.products);
  await options.requireRoom?.(await conversionBytes(model, { precision, isSplit, shortcut, guesser }));
  const progress = progressMeter(model, isSplit, options);
  const mixerForm = productForm(precision, dims.hidden);
  const trained: TrainedExperts = { shared: 0, routed: 0, neurons: 0, perToken: 0 };

  const body = await writeGraph(folder, 'body', files, progress, async graph => {
    const source = layerSource(model, mixerForm, async (writer, layer, name, x) => {
      const { feedForward } = await model.layer(layer);
      if (feedForward.kind === 'sparse') noteExperts(trained, feedForward);
      return publishedBlock(writer, name, x, dims.hidden, feedForward, precision, carving?.layers[layer]);
    });
    await transformer(graph, source, { isRouted: false, taps, signal: options.signal });
  });
  const writeRouted = (name: string, from: number, to: number) =>
    writeGraph(folder, name, files, progress, async graph => {
      const form = carvedForm(precision);
      const forms = { gateUp: form, down: form };
      const source = layerSource(model, mixerForm, async (writer, layer, name, x) => {
        const carved = carving!.layers[layer]!;
        const experts = await splitExperts(await denseFeedForward(model, layer), carved, carving!);
        const router = { weight: carved.router, bias: carved.routerBias };
        const k = writer.node('Gather', ['k', writer.ints([layer])], `${name}.k`, { axis: 0 });
        return carvedExperts(writer, name, x, k, dims.hidden, router, experts.shared, experts.routed, {
          shared: forms,
          routed: forms,
        });
      });
      await transformer(graph, source, { isRouted: true, taps, from, to, signal: options.signal });
    });
  const routed = isSplit ? await writeRouted('routed', 0, shortcut?.first ?? dims.layers) : null;
  const shortcutFiles = shortcut && {
    ...(await writeGraph(folder, 'shortcut', files, progress, graph =>
      shortcutGraph(graph, { dims, rope: model.rope! }, shortcut, mixerForm),
    )),
    layers: shortcut.first,
    rest: await writeRouted('rest', shortcut.first, dims.layers),
  };

  let tables: Pick<Manifest, 'embedding' | 'outputEmbedding'> | null = null;
  const headGraph = await writeGraph(folder, 'head', files, progress, async graph => {
    tables = await writeHead(graph, model, precision);
  });

  const drafterGraph = guesser && {
    ...(await writeGraph(folder, 'drafter', files, progress, graph =>
      writeNextToken(graph, model, guesser, precision),
    )),
    readsPrompt: guesser.readsPrompt,
  };

  const { tokenizer, chatTemplate, tokens } = checkpoint.text;
  await writeText(folder, 'tokenizer.json', JSON.stringify(tokenizer), files);
  await writeText(folder, 'chat_template.jinja', chatTemplate, files);
  const experts = isSplit
    ? carvedLayout(carving, await readCarvingJson(options.carvingFolder!))
    : trainedLayout(trained);
  return {
    format: MANIFEST_FORMAT,
    id: options.id,
    name: options.name,
    variant: options.variant,
    ...(options.variant === 'int8' && { products: await productsOf(join(folder, body.onnx)) }),
    architecture: model.architecture,
    parameters: model.parameters,
    dims,
    graphs: { body, routed, shortcut: shortcutFiles, head: headGraph, drafter: drafterGraph },
    ...tables!,
    experts,
    tokens,
    capabilities: {
      chat: chatTemplate !== '',
      fillInTheMiddle: tokens.fim !== null,
      toolCalls: taughtDialect(chatTemplate) !== null,
      levels: ['exact', ...(['balanced', 'fast', 'frugal'] as const).filter(level => experts?.levels[level])],
    },
    license: options.license,
    source: {
      file: basename(options.source),
      sha256: options.sourceSha256,
      sizeBytes: checkpoint.sizeBytes,
    },
    files,
    createdBy: `${PRODUCER.name} ${PRODUCER.version}`,
  };
}

/** A layer's feed-forward block as it was published, with every expert that the model would use. */
async function publishedBlock(
  graph: GraphWriter,
  name: string,
  x: string,
  hidden: number,
  feedForward: FeedForward,
  precision: Precision,
  carved: Carving['layers'][number] | undefined,
): Promise<string> {
  if (feedForward.kind === 'dense') {
    const weights = allExperts(feedForward, carved);
    return fusedExperts(graph, name, x, weights, bodyForms(precision, weights));
  }
  const experts = feedForward.experts.map(publishedExpert);
  const shared = feedForward.shared && publishedExpert(feedForward.shared);
  const forms = {
    routed: trainedForms(precision, experts[0]!),
    shared: bodyForms(precision, shared ?? experts[0]!),
  };
  return trainedExperts(graph, name, x, hidden, feedForward.router, shared, experts, forms);
}

async function writeNextToken(
  graph: GraphWriter,
  model: Decoder,
  layer: NextTokenLayer,
  ofModel: Precision,
): Promise<void> {
  const { dims, rope } = model;
  const { precision, mixer: mixerForm, head: formOfHead } = guesserForms(ofModel, layer, dims.hidden);
  await nextTokenDrafter(
    graph,
    { dims, rope, mixerForm },
    layer,
    (writer, _, name, x) =>
      publishedBlock(writer, name, x, dims.hidden, layer.layer.feedForward, precision, undefined),
    formOfHead,
  );
}

interface TrainedExperts {
  shared: number;
  routed: number;
  neurons: number;
  perToken: number;
}

function noteExperts(
  noted: TrainedExperts,
  { shared, experts, router }: FeedForward & { kind: 'sparse' },
): void {
  noted.shared = shared?.gate.rows ?? 0;
  noted.routed = experts.length;
  noted.neurons = experts[0]!.gate.rows;
  noted.perToken = router.perToken;
}

const carvedLayout = (
  { sharedNeurons, routed, routedNeurons, levels }: Carving,
  { data }: CarvingJson,
): ExpertLayout => ({
  kind: 'carved',
  sharedNeurons,
  routed,
  routedNeurons,
  carvingSha256: data.sha256,
  levels,
});

const trainedLayout = ({ shared, routed, neurons, perToken }: TrainedExperts): ExpertLayout | null =>
  routed > 0
    ? { kind: 'trained', sharedNeurons: shared, routed, routedNeurons: neurons, perToken, levels: {} }
    : null;

/**
 * The output projection, and the rows of both embeddings. Quantised, the projection is coarse, for speed: it finds the
 * tokens that matter, whose logits the engine computes again from the 8-bit rows.
 */
async function writeHead(
  graph: GraphWriter,
  model: Decoder,
  precision: Precision,
): Promise<Pick<Manifest, 'embedding' | 'outputEmbedding'>> {
  const { dims, isTied } = model;
  const form = wideForm(precision, dims.hidden);
  const norm = await model.finalNorm();
  if (precision === 'fp32') {
    const placed = await head(graph, dims, norm, model.head, form);
    const embedding = isTied ? tableAt(placed, form) : await storeTable(graph, model.embedding, form);
    return { embedding, outputEmbedding: null };
  }
  await head(graph, dims, norm, model.head, headForm(precision, dims.hidden));
  const outputEmbedding = await storeTable(graph, model.head, form);
  return {
    embedding: isTied ? outputEmbedding : await storeTable(graph, model.embedding, form),
    outputEmbedding,
  };
}

function tableAt(placed: PlacedWeight, form: WideForm): EmbeddingTable {
  const { location: file, offset } = placed.blob;
  if (form.kind === 'f32') return { kind: 'f32', file, offset };
  return {
    kind: 'blocks',
    bits: 8,
    blockSize: form.blockSize,
    file,
    offset,
    scalesOffset: placed.scales!.offset,
  };
}

async function storeTable(graph: GraphWriter, matrix: MatrixSource, form: WideForm): Promise<EmbeddingTable> {
  const placed =
    form.kind === 'f32'
      ? { blob: await graph.storeFloats(matrix), scales: null }
      : await graph.store(matrix, form);
  return tableAt(placed, form);
}

function layerSource(
  { dims, rope, layer }: Decoder,
  mixerForm: WeightForm,
  feedForward: LayerSource['feedForward'],
): LayerSource {
  return { dims, rope, layer, mixerForm, feedForward };
}

async function writeGraph(
  folder: string,
  name: string,
  files: Manifest['files'],
  onElements: (count: number) => void,
  fill: (graph: GraphWriter) => Promise<void>,
): Promise<{ onnx: string; data: string }> {
  const onnx = `${name}.onnx`;
  const data = `${name}.data`;
  const builder = new OnnxBuilder(name, PRODUCER);
  const writer = await ExternalDataWriter.create(join(folder, data));
  try {
    await fill(new GraphWriter(builder, writer, onElements));
    files[data] = await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  files[onnx] = await builder.write(join(folder, onnx));
  return { onnx, data };
}

async function writeText(
  folder: string,
  name: string,
  text: string,
  files: Manifest['files'],
): Promise<void> {
  const bytes = Buffer.from(text, 'utf8');
  await writeFile(join(folder, name), bytes, { flush: true });
  files[name] = { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

/** Counts stored numbers against all that will be; reports at most four times a second. */
function progressMeter(model: Decoder, isSplit: boolean, options: ConvertOptions): (count: number) => void {
  const { hidden, vocab } = model.dims;
  const table = vocab * hidden;
  const layers = model.parameters - table * (model.isTied ? 1 : 2);
  const tables = (model.isTied ? 1 : 2) + (options.variant === 'fp32' ? 0 : 1);
  const total = layers * (isSplit ? 2 : 1) + table * tables;
  const start = performance.now();
  let done = 0;
  let reported = 0;
  return count => {
    done += count;
    options.signal?.throwIfAborted();
    const now = performance.now();
    if (now - reported < 250 && done < total) return;
    reported = now;
    const fraction = Math.min(1, done / total);
    const elapsed = (now - start) / 1000;
    options.onProgress?.({
      phase: 'convert',
      percent: 100 * fraction,
      secondsLeft: elapsed > 2 ? Math.round((elapsed * (1 - fraction)) / fraction) : null,
      message: `Converting ${options.name} to ${options.variant}`,
    });
  };
}
