/**
 * Measures what decides about speed on this machine, by running the kernels that models are made of. A few seconds, in a
 * thread of its own; nothing is left behind.
 */
import { availableParallelism } from 'node:os';
import { cancelled, MoebiusError } from '../base/errors.ts';
import { bestThreads, type MachineSpeed, type ThreadSpeed } from '../models/machine.ts';
import { stopFlag } from './session/stop-flag.ts';
import type { KernelSpeed, StopFlag } from './session/wire.ts';
import { WorkerClient } from './session/worker-client.ts';

/** No further number of threads is tried after this long. */
const ENOUGH_MS = 4_000;
/** A machine so busy tells nothing about itself. */
const LIMIT_MS = 30_000;

export interface SelfTestOptions {
  signal?: AbortSignal;
  /** Threads that the processor runs at once. */
  cores?: number;
  /** Given up after this long. */
  limitMs?: number;
  /** Runs the kernels; a thread of its own unless given. */
  worker?: Pick<WorkerClient, 'request' | 'terminate'>;
}

/** Throws `cancelled` when `signal` aborts, `internal` when it took too long or a kernel failed. */
export async function runSelfTest({
  signal,
  cores = availableParallelism(),
  limitMs = LIMIT_MS,
  worker = new WorkerClient(),
}: SelfTestOptions = {}): Promise<MachineSpeed> {
  const limit = AbortSignal.timeout(limitMs);
  try {
    return await measure(worker, cores, stopFlag(signal ? AbortSignal.any([signal, limit]) : limit));
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    if (limit.aborted)
      throw new MoebiusError('internal', 'The self-test took too long: the machine is busy.');
    throw error;
  } finally {
    await worker.terminate();
  }
}

async function measure(
  worker: Pick<WorkerClient, 'request'>,
  cores: number,
  stop: StopFlag,
): Promise<MachineSpeed> {
  const began = performance.now();
  const tried: ThreadSpeed[] = [];
  const probes: KernelSpeed[] = [];
  for (const threads of threadCounts(cores)) {
    if (tried.length > 0 && performance.now() - began > ENOUGH_MS) break;
    const probe = (await worker.request('probe', { form: 'int4', threads, stop })).speed!;
    tried.push({ threads, write: probe.write, read: probe.read });
    probes.push(probe);
  }
  const threads = bestThreads(tried);
  const int4 = probes[tried.findIndex(one => one.threads === threads)]!;
  const int8 = (await worker.request('probe', { form: 'int8', threads, stop })).speed!;
  const { speed: w8a8 } = await worker.request('probe', { form: 'w8a8', threads, stop });
  return {
    tried,
    threads,
    int4: { write: int4.write, read: int4.read },
    int8: { write: int8.write, read: int8.read },
    w8a8: w8a8 && { write: w8a8.write, read: w8a8.read },
    operatorSeconds: Math.min(int4.operatorSeconds, int8.operatorSeconds),
    share: Math.min(int4.share, int8.share, w8a8?.share ?? 1),
  };
}

/**
 * All, a half, a quarter, one: where two threads share a core, half of them are the cores. All come first, because they are
 * what is used when there is no time for the rest.
 */
export function threadCounts(cores: number): number[] {
  return [...new Set([cores, Math.ceil(cores / 2), Math.ceil(cores / 4), 1])];
}
