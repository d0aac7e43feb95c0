/**
 * Warms the page cache up for a model that is larger than memory: its packed experts are mapped, and one that no token of this
 * run has met lies on the disk still. Which ones will be met soon, earlier runs tell.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { type FileRange, type PackedGraph, packedWeights } from '../formats/onnx-packed.ts';

/** Tokens that went to each expert, by layer. */
export type ExpertHistogram = { layer: number; tokens: number[] }[];

/** What is read may take of the memory that is free; the rest is for keys, values and whatever else runs. */
const SHARE_OF_MEMORY = 0.75;
const PIECE_BYTES = 4 * 1024 * 1024;
const MATRICES = ['gate_up', 'down'] as const;

/** Reads the hottest experts of `graph` until `availableBytes` are well used, or `signal` aborts. Throws the system's errors. */
export async function warmUp(
  graph: PackedGraph,
  histogram: ExpertHistogram,
  availableBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const ranges = await hottestRanges(graph.onnx, histogram, SHARE_OF_MEMORY * availableBytes);
  const file = await open(graph.data, 'r');
  try {
    await readRanges(file, ranges, signal);
  } finally {
    await file.close();
  }
}

/** Reads them for what the system keeps of it. */
export async function readRanges(
  file: Pick<FileHandle, 'read'>,
  ranges: readonly FileRange[],
  signal: AbortSignal,
): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  for (const { offset, length } of ranges) {
    for (let done = 0; done < length; done += PIECE_BYTES) {
      if (signal.aborted) return;
      await file.read(piece, 0, Math.min(PIECE_BYTES, length - done), offset + done);
    }
  }
}

/**
 * Where the experts lie that most tokens went to, as many as fit `budgetBytes`; ascending, as a disk reads best. Experts that
 * no token went to are left out.
 */
export async function hottestRanges(
  onnx: string,
  histogram: ExpertHistogram,
  budgetBytes: number,
): Promise<FileRange[]> {
  const weights = await packedWeights(onnx);
  const met = histogram.flatMap(({ layer, tokens }) =>
    tokens.map((count, expert) => {
      const names = MATRICES.map(matrix => `ffn.${layer}.${matrix}.${expert}.weight`);
      return { count, ranges: names.flatMap(name => weights.get(name) ?? []) };
    }),
  );
  const chosen: FileRange[] = [];
  let bytes = 0;
  for (const { ranges } of met.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count)) {
    bytes += ranges.reduce((sum, { length }) => sum + length, 0);
    if (bytes > budgetBytes) break;
    chosen.push(...ranges);
  }
  return chosen.sort((a, b) => a.offset - b.offset);
}
