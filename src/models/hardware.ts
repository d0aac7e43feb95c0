/** Will this model run here, and how fast? From what was measured of the machine and what is known of the model. */
import type { ModelVariant } from '../protocol/daemon.ts';
import { type FormSpeed, type MachineSpeed, quickestVariant, wasQuiet } from './machine.ts';
import {
  DISK_BYTES,
  factsIn,
  factsOf,
  hasExperts,
  type ModelFacts,
  type WeightCounts,
  WITH_MINIMA,
  weighed,
} from './model-facts.ts';
import { PACKING_ROOM, packedFolder } from './packed.ts';
import type { StoredModel } from './store.ts';

export interface Machine {
  totalBytes: number;
  freeBytes: number;
  /** Room for this user on the store's disk; null where nothing is to be written. */
  freeDiskBytes: number | null;
  /** null until the self-test has run. */
  speed: Pick<MachineSpeed, 'int4' | 'int8' | 'w8a8' | 'operatorSeconds' | 'share'> | null;
}

export interface HardwareAdvice {
  /**
   * `fits`: go on. `tight`: it runs if other programs are closed. `from-disk`: packed, a trained Mixture-of-Experts runs, slowly.
   * `unpacked`: one that would, but is installed and not packed. `too-large`, `no-room`: memory, disk are not enough.
   */
  verdict: 'fits' | 'tight' | 'from-disk' | 'unpacked' | 'too-large' | 'no-room';
  memoryBytes: number;
  /** At most, while it is installed: what is fetched and what is made of it, then the packed copy where one is made. */
  diskBytes: number;
  /** Tokens a second, one a step: drafts make it more. null without a self-test, for 32-bit weights, and from the disk. */
  writesPerSecond: number | null;
  /** Until the first token after a prompt of PROMPT_TOKENS that shares nothing with the one before. */
  startSeconds: number | null;
  /** For the user, a sentence or two. */
  sentence: string;
}

/** With the form that it would be added in. */
export interface AdditionAdvice extends HardwareAdvice {
  variant: ModelVariant;
}

/** A file with its imports, a question, the editor's instructions. */
export const PROMPT_TOKENS = 1_500;
/** The setting's default. */
const CONTEXT_TOKENS = 8_192;

const FOUR_BITS = 0.5 + 8 / 32;
/** In memory the kernels keep a float scale and a float sum beside each block: 32 weights with 4 bits, 128 with 8. */
export const PACKED_BYTES: WeightCounts = {
  int4: FOUR_BITS,
  int4min: FOUR_BITS * WITH_MINIMA,
  int8: 1 + 8 / 128,
  w8a8: 1,
  f32: 4,
};
/** The runtime, two tokenizers' tables, the working buffers of a chunk of prompt. */
const BASE_BYTES = 450e6;
/** What an operating system with an editor and a browser open needs for itself. */
const OTHERS_BYTES = 3 * 1024 ** 3;

/**
 * A layer has some 30 operators besides the products of weights (attention's, norms, activations), and they take about five
 * times as long as the additions that were measured: docs/engine.md.
 */
const ADDITIONS_PER_LAYER = 150;
/** What those operators take for each token of a prompt, in the same additions: some 50 us a layer, whatever form the weights have. */
const ADDITIONS_PER_TOKEN = 60;
/** JavaScript's part of a step: embedding, cache rows, the largest logits once more, sampling. */
const STEP_SECONDS = 0.002;
/** Prompt tokens that meet a layer's experts together. */
const CHUNK_TOKENS = 128;
const NO_SPEED = { writesPerSecond: null, startSeconds: null };

/** `downloadBytes`: what has to be fetched first; 0 for an installed model. `isKept`: and stays when it is converted. */
export function adviseHardware(
  facts: ModelFacts,
  downloadBytes: number,
  machine: Machine,
  isKept = false,
): HardwareAdvice {
  const leastBytes = memoryOf(facts);
  const memoryBytes = leastBytes + Math.round(bytesOf(facts.sparse));
  const { totalBytes, freeBytes, freeDiskBytes } = machine;
  const most = totalBytes - OTHERS_BYTES / 2;
  const isLarger = leastBytes > most;
  const isFromDisk = isLarger && hasExperts(facts) && facts.met.f32 === 0 && metBytes(facts) <= most;
  const isTight = memoryBytes > freeBytes || memoryBytes > totalBytes - OTHERS_BYTES;
  const packing = !isTight ? 'never' : isFromDisk ? 'always' : 'where there is room';
  const keptBytes = isKept ? downloadBytes : 0;
  const diskBytes = diskOf(facts, downloadBytes, keptBytes, freeDiskBytes, packing);
  const speed = isFromDisk ? NO_SPEED : speedOf(facts, machine.speed);
  const numbers = { memoryBytes, diskBytes, ...speed };
  const least = `it needs ${gigabytes(leastBytes)} of memory, this machine has ${gigabytes(totalBytes)}`;
  if (isLarger && !isFromDisk) {
    const sentence = `Not enough memory: ${least}. Choose a smaller model.`;
    return { ...numbers, verdict: 'too-large', sentence };
  }
  if (freeDiskBytes !== null && diskBytes > freeDiskBytes) {
    const sentence = `Not enough disk space: it needs ${gigabytes(diskBytes)}, ${gigabytes(freeDiskBytes)} are free.`;
    return { ...numbers, verdict: 'no-room', sentence };
  }
  const disk = `${gigabytes(diskBytes)} of disk while it is installed`;
  if (isFromDisk) {
    const isAdded = downloadBytes > 0;
    const runs = `Packed${isAdded ? ', as it is added' : ''}, it runs from the disk: slowly, and how slowly is not known.`;
    const sentence = `Larger than memory: ${least}. ${runs}${isAdded ? ` It needs ${disk}.` : ''}`;
    return { ...numbers, verdict: 'from-disk', sentence };
  }
  const isBusy = machine.speed !== null && !wasQuiet(machine.speed);
  const needs = `It needs ${gigabytes(memoryBytes)} of memory${downloadBytes > 0 ? ` and ${disk}` : ''}`;
  const free = `${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} memory are free`;
  const sentence = `${speedSentence(numbers, isBusy)}${needs}; ${free}.`;
  if (!isTight) return { ...numbers, verdict: 'fits', sentence };
  return {
    ...numbers,
    verdict: 'tight',
    sentence: `${sentence} Close other programs if the machine becomes slow.`,
  };
}

/** The same of a model that is installed. */
export async function adviseInstalled(
  { id, variant, manifest, path }: Pick<StoredModel, 'id' | 'variant' | 'manifest' | 'path'>,
  machine: Machine,
): Promise<HardwareAdvice> {
  const advice = adviseHardware(factsOf(manifest), 0, { ...machine, freeDiskBytes: null });
  if (advice.verdict !== 'from-disk' || (await packedFolder(path))) return advice;
  const sentence = `${advice.sentence} It is not packed: run \`moebius model pack ${id} --variant ${variant}\`.`;
  return { ...advice, verdict: 'unpacked', sentence };
}

/**
 * The same of a model that can be added, with the form that it would be added in: the one that is quickest here, unless its memory or
 * disk space is not there, or it has trained experts: with those nothing but 4 bits was measured. `facts`: in 4 bits, as the catalogue has them.
 */
export function adviseAddition(
  facts: ModelFacts,
  downloadBytes: number,
  machine: Machine,
  isKept = false,
): AdditionAdvice {
  const adviseOf = (variant: ModelVariant) => ({
    ...adviseHardware(factsIn(facts, variant), downloadBytes, machine, isKept),
    variant,
  });
  const quickest = adviseOf(hasExperts(facts) ? 'int4' : quickestVariant(machine.speed));
  if (quickest.verdict === 'fits') return quickest;
  const four = adviseOf('int4');
  // With the graphs that chats read with, 4 bits can take more.
  return quickest.verdict === 'tight' && quickest.memoryBytes < four.memoryBytes ? quickest : four;
}

/** What keeps a model from running here as it should; null where nothing does. For lists. */
export function limitNote({ verdict }: Pick<HardwareAdvice, 'verdict'>): string | null {
  switch (verdict) {
    case 'too-large':
      return 'needs more memory than this machine has';
    case 'no-room':
      return 'needs more disk space than there is';
    case 'from-disk':
      return 'larger than memory: runs from the disk, slowly';
    case 'unpacked':
      return 'larger than memory: runs only packed (`moebius model pack`)';
    default:
      return null;
  }
}

/** `about 28 tokens/s, starts after 9 s`; null where nothing is known. For lists. */
export function speedNote({
  writesPerSecond,
  startSeconds,
}: Pick<HardwareAdvice, 'writesPerSecond' | 'startSeconds'>): string | null {
  if (writesPerSecond === null || startSeconds === null) return null;
  return `about ${rounded(writesPerSecond)} tokens/s, starts after ${rounded(startSeconds)} s`;
}

function speedSentence(
  speed: Pick<HardwareAdvice, 'writesPerSecond' | 'startSeconds'>,
  isBusy: boolean,
): string {
  if (speed.writesPerSecond === null || speed.startSeconds === null) return '';
  return `Here it will write about ${rounded(speed.writesPerSecond)} tokens/s and begin an answer to ${PROMPT_TOKENS.toLocaleString('en')} tokens after about ${rounded(speed.startSeconds)} s${isBusy ? ', or faster: other programs were at work when it was measured' : ''}. `;
}

/** Held by the process until a long prompt comes: packed weights, and keys and values of a full context. */
const memoryOf = (facts: ModelFacts): number => Math.round(metBytes(facts) + bytesOf(facts.idle));

/** What every token needs of that; of packed weights the system gets the others from the disk when a token meets them. */
function metBytes({ met, head, drafter, kvBytes }: ModelFacts): number {
  const packed = [met, head, drafter].reduce((sum, weights) => sum + bytesOf(weights), 0);
  return packed + CONTEXT_TOKENS * kvBytes + BASE_BYTES;
}

/** `freeBytes` is null where nothing is to be written. Packing has the room of the download, which is removed before, unless it is kept. */
function diskOf(
  facts: ModelFacts,
  downloadBytes: number,
  keptBytes: number,
  freeBytes: number | null,
  packing: 'always' | 'where there is room' | 'never',
): number {
  const installing = facts.diskBytes + downloadBytes;
  if (freeBytes === null || packing === 'never' || facts.met.f32 > 0) return installing;
  const most = Math.max(installing, facts.diskBytes + keptBytes + roomToPack(facts));
  return packing === 'always' || most <= freeBytes ? most : installing;
}

/** The head's file is packed without the tables in it: a byte a weight at most, as packModel asks for. */
const roomToPack = ({ met, idle, head }: ModelFacts): number =>
  Math.round(PACKING_ROOM * (weighed(met, DISK_BYTES) + weighed(idle, DISK_BYTES) + weighed(head, ONE_BYTE)));
const ONE_BYTE: WeightCounts = { int4: 1, int4min: 1, int8: 1, w8a8: 1, f32: 1 };

const bytesOf = (weights: WeightCounts): number => weighed(weights, PACKED_BYTES);

function speedOf(
  facts: ModelFacts,
  speed: Machine['speed'],
): Pick<HardwareAdvice, 'writesPerSecond' | 'startSeconds'> {
  const isUnknown = facts.met.f32 > 0 || (facts.met.w8a8 > 0 && !speed?.w8a8);
  if (!speed || isUnknown) return NO_SPEED;
  const { met, head, idle, layers, kvBytes } = facts;
  const seconds = (weights: WeightCounts, kind: keyof FormSpeed) =>
    weighed(weights, {
      int4: 1 / speed.int4[kind],
      int4min: WITH_MINIMA / speed.int4[kind],
      int8: 1 / speed.int8[kind],
      w8a8: speed.w8a8 ? 1 / speed.w8a8[kind] : 0,
      f32: 0,
    });
  const bytesPerSecond = speed.int8.write * PACKED_BYTES.int8;
  const step =
    seconds(met, 'write') +
    seconds(head, 'write') +
    layers * ADDITIONS_PER_LAYER * speed.operatorSeconds +
    (PROMPT_TOKENS * kvBytes) / bytesPerSecond +
    STEP_SECONDS;
  const chunks = Math.ceil(PROMPT_TOKENS / CHUNK_TOKENS);
  const between = layers * ADDITIONS_PER_TOKEN * speed.operatorSeconds;
  const read = PROMPT_TOKENS * (seconds(met, 'read') + between) + chunks * seconds(idle, 'write');
  return { writesPerSecond: 1 / step, startSeconds: read + seconds(head, 'write') };
}

/** Two digits: the estimate knows no more. */
const rounded = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
