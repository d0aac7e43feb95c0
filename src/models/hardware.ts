/** Will this model run here? An estimate in words, before anything is downloaded. */
import { freemem, totalmem } from 'node:os';

export interface HardwareAdvice {
  /** `fits`: go on. `tight`: it runs if other programs are closed. `too-large`: choose a smaller one. */
  verdict: 'fits' | 'tight' | 'too-large';
  neededBytes: number;
  /** For the user, a sentence or two. */
  sentence: string;
}

/**
 * Weights are mapped from disk and copied once in the form that the processor likes; beside them lie the runtime, the
 * working buffers and the keys and values of a few thousand tokens.
 */
const WEIGHT_FACTOR = 1.6;
const BASE_BYTES = 512 * 1024 * 1024;
/** What an operating system with an editor and a browser open needs for itself. */
const OTHERS_BYTES = 3 * 1024 ** 3;

function memoryNeeded(fileBytes: number): number {
  return Math.round(fileBytes * WEIGHT_FACTOR) + BASE_BYTES;
}

/** `fileBytes`: size of the published 4-bit file. */
export function adviseHardware(
  fileBytes: number,
  memory: { totalBytes: number; freeBytes: number } = { totalBytes: totalmem(), freeBytes: freemem() },
): HardwareAdvice {
  const neededBytes = memoryNeeded(fileBytes);
  const needs = `It needs about ${gigabytes(neededBytes)} of memory`;
  const { totalBytes, freeBytes } = memory;
  if (neededBytes > totalBytes - OTHERS_BYTES / 2) {
    const sentence = `${needs}; this machine has ${gigabytes(totalBytes)}. Choose a smaller model.`;
    return { verdict: 'too-large', neededBytes, sentence };
  }
  if (neededBytes > freeBytes || neededBytes > totalBytes - OTHERS_BYTES) {
    const sentence = `${needs}; ${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} are free. Close other programs if the machine becomes slow.`;
    return { verdict: 'tight', neededBytes, sentence };
  }
  return { verdict: 'fits', neededBytes, sentence: `${needs}; ${gigabytes(freeBytes)} are free.` };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}
