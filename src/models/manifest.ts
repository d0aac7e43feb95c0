/**
 * manifest.json of a converted model: the only contract between `convert` (writes it) and `engine` (reads it).
 * A folder is a model only if its manifest is there; the manifest is written last, by rename.
 *
 * Folder: <store>/models/<id>/<variant>/
 *   manifest.json  tokenizer.json  chat_template.jinja
 *   body.onnx + body.data       every layer with all experts fused, [n] tokens in, new K/V rows and hidden rows out
 *   routed.onnx + routed.data   the same layers with router and split experts (absent in a dense-only conversion)
 *   shortcut.onnx + .data, rest.onnx + .data   where the model has a shortcut, `routed` holds the first layers alone: these say
 *                               the keys and values of the others at once, those compute them
 *   head.onnx + head.data       final norm and output projection: hidden rows in, logits out
 *   drafter.onnx + drafter.data guesses at the tokens after next (absent where the model has no drafter)
 * The token embedding is read row by row from the file named in `embedding` (often the output projection's own bytes),
 * and so is what `outputEmbedding` names.
 */
import type { ExpertLevel, ModelCapabilities, ModelVariant } from '../protocol/daemon.ts';

export const MANIFEST_FORMAT = 6;

export interface Manifest {
  format: typeof MANIFEST_FORMAT;
  id: string;
  name: string;
  variant: ModelVariant;
  /** Of `int8`; where the file lacks it, reading it fills it in. Absent in other variants. */
  products?: EightBitProducts;
  /** `model_type` of the published config, e.g. `qwen2`. */
  architecture: string;
  parameters: number;
  dims: ModelDims;
  graphs: {
    body: GraphFile;
    routed: GraphFile | null;
    shortcut: ShortcutFiles | null;
    head: GraphFile;
    drafter: DrafterFile | null;
  };
  embedding: EmbeddingTable;
  /**
   * Rows of the output projection, where `head` multiplies with a coarser form of them: with these the largest logits are
   * computed again. null where `head` is as exact as the variant.
   */
  outputEmbedding: EmbeddingTable | null;
  experts: ExpertLayout | null;
  tokens: SpecialTokens;
  capabilities: ModelCapabilities;
  license: string;
  source: { file: string; sha256: string; sizeBytes: number };
  /** sha256 by file name, of every file of the folder but this one. */
  files: Record<string, { sha256: string; sizeBytes: number }>;
  createdBy: string;
}

/** Of all layers: `codes` of 8 bits (formats/token-product.ts), `blocks`, or both: `mixed`. */
export type EightBitProducts = 'codes' | 'blocks' | 'mixed';

export interface ModelDims {
  layers: number;
  hidden: number;
  heads: number;
  /** Heads that are cached, and the width of one. */
  kvHeads: number;
  headDim: number;
  vocab: number;
  feedForward: number;
  trainedContext: number;
  ropeTheta: number;
  rmsEpsilon: number;
  /** Positions that windowed layers see, the current one among them; absent where no layer is windowed. */
  slidingWindow?: number;
}

export interface GraphFile {
  onnx: string;
  data: string;
}

export interface ShortcutFiles extends GraphFile {
  /** Layers that `routed` has; the others are in `rest`. */
  layers: number;
  rest: GraphFile;
}

export interface DrafterFile extends GraphFile {
  /** The drafter sees a text from its beginning, else from where the answer begins. */
  readsPrompt: boolean;
}

/** How to read one row [hidden] of a [vocab, hidden] matrix as float32. Offsets in bytes from the start of `file`. */
export type EmbeddingTable =
  | { kind: 'f32'; file: string; offset: number }
  /**
   * MatMulNBits layout: row t is ceil(hidden/blockSize) blocks of blockSize*bits/8 bytes at `offset`, values
   * (q - 2^(bits-1)) * scale, low nibble first; scales float32 [vocab, blocks] at `scalesOffset`.
   */
  | { kind: 'blocks'; bits: 4 | 8; blockSize: number; file: string; offset: number; scalesOffset: number };

export interface ExpertLayout {
  /** `carved`: all experts together are the dense layer; `trained`: routed as the model was trained. */
  kind: 'carved' | 'trained';
  /** Neurons in the shared expert and in each routed expert. */
  sharedNeurons: number;
  routed: number;
  routedNeurons: number;
  /** Of `carved`: the carving's data; absent from models that were converted before it was noted. */
  carvingSha256?: string;
  /** Of `trained`: routed experts that a token goes to. */
  perToken?: number;
  levels: Partial<Record<ExpertLevel, LevelPlan>>;
}

/** Routed experts a token: so many in every layer, or each layer's own number. */
export type ExpertsPerToken = number | readonly number[];

/** What a level does. `k` = routed experts per token; null = all of them (the body graph). */
export interface LevelPlan {
  readK: ExpertsPerToken | null;
  writeK: number | null;
  /** The last positions of the prompt that are read with all experts, however long it is. */
  exactTail: number;
  /** The first positions, likewise (attention sinks). */
  exactHead: number;
  /** Positions that are read with few experts take the model's shortcut around its last layers. */
  shortcut?: true;
  /** Measured cost, with its standard error where `carve-cost` measured it: nats per written token above exact (docs/moe.md). */
  tailNll?: number;
}

export interface SpecialTokens {
  /** What a prompt without a template begins with. */
  bos: number | null;
  /** What a chat template has as `bos_token`; absent from models that were converted before it was written: `bos`. */
  templateBos?: number | null;
  /** Any of these ends an answer. */
  eos: number[];
  pad: number | null;
  /** Never sampled: every special token that is not in `eos`. */
  banned: number[];
  fim: {
    prefix: number;
    suffix: number;
    middle: number;
    fileSeparator: number | null;
    repoName: number | null;
    order: 'psm' | 'spm';
  } | null;
}
