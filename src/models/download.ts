/**
 * One file over HTTP, resumable. The bytes that are there are kept through anything but the proof that they are wrong:
 * a stalled or broken connection is taken up again with a Range request, in this call or in a later one.
 */
import { type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { cancelled, isDiskFull, MoebiusError, toMoebiusError } from '../base/errors.ts';
import { networkReason, requestDownload } from './download-request.ts';
import { etagPath, removePartial } from './partial-file.ts';

export interface DownloadOptions {
  url: string;
  /** File to append to; `<path>.etag` beside it remembers which version of the file the bytes are of. */
  path: string;
  /** Size of the whole file; null if only the server knows. */
  sizeBytes: number | null;
  onProgress?: ((doneBytes: number, totalBytes: number | null) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Time until the server's first answer. */
  connectMs?: number | undefined;
  /** Time without a byte until the connection is given up and made again. */
  stallMs?: number | undefined;
  /** Pause before the n-th retry in a row, n from 1. */
  retryDelayMs?: ((retry: number) => number) | undefined;
}

/** Without a new byte in between. */
const RETRIES = 5;
const CONNECT_MS = 10_000;
const STALL_MS = 30_000;

/** A failure that another attempt may get past. */
class Interrupted extends Error {}

/**
 * Appends to `path` until the file is whole; its content is not judged here. Throws `download-failed` (with what the server
 * said), `disk-full` or `cancelled`, and in each case leaves what can be resumed.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { signal, retryDelayMs = retry => 1000 * 2 ** (retry - 1) } = options;
  let retries = 0;
  let best = await sizeOf(options.path);
  let hasConnected = false;
  for (;;) {
    try {
      await attempt(options, () => {
        hasConnected = true;
      });
      await rm(etagPath(options.path), { force: true });
      return;
    } catch (error) {
      if (signal?.aborted) throw cancelled();
      if (!(error instanceof Interrupted)) throw withContext(error, options);
      const doneBytes = await sizeOf(options.path);
      retries = doneBytes > best ? 1 : retries + 1;
      best = Math.max(best, doneBytes);
      // A server that was never reached is not asked again: there may be another source.
      if (!hasConnected || retries > RETRIES) throw failed(options.url, error.message, error);
    }
    await pause(retryDelayMs(retries), signal);
  }
}

/** One request. Returns when the file is whole. */
async function attempt(options: DownloadOptions, onConnected: () => void): Promise<void> {
  const { path, sizeBytes, url } = options;
  let doneBytes = await sizeOf(path);
  if (sizeBytes !== null && doneBytes === sizeBytes) return;
  if (sizeBytes !== null && doneBytes > sizeBytes) {
    await removePartial(path);
    doneBytes = 0;
  }

  const watch = new Watchdog(options.signal);
  try {
    watch.expect(options.connectMs ?? CONNECT_MS, 'the server did not answer');
    const response = await request(url, await rangeHeaders(path, doneBytes), watch, onConnected);
    if (response.status === 416) {
      await response.body?.cancel();
      // Nothing is left to ask for where only the server knows the size, and this is it.
      if (sizeBytes === null && rangeTotal(response) === doneBytes) return;
      await removePartial(path);
      throw new Interrupted('the server does not have the rest of the file');
    }
    const start = response.status === 206 ? rangeStart(response) : 0;
    if (start !== doneBytes) {
      // 200: the server ignores ranges, or the file is another one than the bytes are of (If-Range).
      if (start !== 0) throw failed(url, 'the server sent another part of the file than was asked for');
      await removePartial(path);
    }
    const totalBytes = totalSize(response, start);
    if (sizeBytes !== null && totalBytes !== null && totalBytes !== sizeBytes) {
      await response.body?.cancel();
      throw failed(url, `the file there has ${totalBytes} bytes instead of ${sizeBytes}`);
    }
    await rememberEtag(path, response);
    await append(response, start, sizeBytes ?? totalBytes, options, watch);
  } finally {
    watch.stop();
  }
}

async function request(
  url: string,
  headers: Record<string, string>,
  watch: Watchdog,
  onConnected: () => void,
): Promise<Response> {
  let response: Response;
  try {
    response = await requestDownload(url, { headers, signal: watch.signal });
  } catch (error) {
    throw watch.interruption(error);
  }
  onConnected();
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  const answer = `the server answered ${response.status} ${response.statusText}`.trim();
  if (response.status >= 500 || response.status === 429 || response.status === 408)
    throw new Interrupted(answer);
  throw failed(url, answer);
}

async function append(
  response: Response,
  start: number,
  totalBytes: number | null,
  options: DownloadOptions,
  watch: Watchdog,
): Promise<void> {
  const stallMs = options.stallMs ?? STALL_MS;
  const file = await open(options.path, start === 0 ? 'w' : 'r+');
  try {
    let doneBytes = start;
    options.onProgress?.(doneBytes, totalBytes);
    for await (const chunk of chunksOf(response, watch, stallMs)) {
      watch.pause();
      if (totalBytes !== null && doneBytes + chunk.length > totalBytes) {
        throw failed(options.url, `the server sends more than the ${totalBytes} bytes of the file`);
      }
      await writeAll(file, chunk, doneBytes);
      doneBytes += chunk.length;
      options.onProgress?.(doneBytes, totalBytes);
    }
    await file.sync();
    if (totalBytes !== null && doneBytes < totalBytes)
      throw new Interrupted('the connection was closed early');
  } finally {
    await file.close();
  }
}

async function* chunksOf(response: Response, watch: Watchdog, stallMs: number): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      watch.expect(stallMs, `nothing came for ${stallMs / 1000} seconds`);
      const { done, value } = await reader.read().catch(error => {
        throw watch.interruption(error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.length) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

/** Aborts its signal when what was expected did not come in time, or with the caller's signal. */
class Watchdog {
  readonly #abort = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #lateness: string | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal ? AbortSignal.any([signal, this.#abort.signal]) : this.#abort.signal;
  }

  expect(ms: number, lateness: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#lateness = lateness;
      this.#abort.abort();
    }, ms);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** Why a read failed: too late, or what the network said. */
  interruption(error: unknown): Interrupted {
    return new Interrupted(this.#lateness ?? networkReason(error), { cause: error });
  }
}

async function rangeHeaders(path: string, doneBytes: number): Promise<Record<string, string>> {
  // Compressed answers would make nonsense of offsets.
  const headers = { 'accept-encoding': 'identity' };
  if (doneBytes === 0) return headers;
  const etag = await readFile(etagPath(path), 'utf8').catch(() => null);
  return { ...headers, range: `bytes=${doneBytes}-`, ...(etag && { 'if-range': etag }) };
}

/** Only a strong tag may stand in If-Range. */
async function rememberEtag(path: string, response: Response): Promise<void> {
  const etag = response.headers.get('etag');
  if (etag?.startsWith('"')) await writeFile(etagPath(path), etag);
  else await rm(etagPath(path), { force: true });
}

function rangeStart(response: Response): number {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return match ? Number(match[1]) : -1;
}

// N of `bytes 5-9/N`, and of the answer to a range behind the end, `bytes */N`.
function rangeTotal(response: Response): number | null {
  const match = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  return match ? Number(match[1]) : null;
}

function totalSize(response: Response, start: number): number | null {
  const whole = response.status === 206 ? rangeTotal(response) : null;
  if (whole !== null) return whole;
  const length = response.headers.get('content-length');
  return length === null ? null : start + Number(length);
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    found => found.size,
    () => 0,
  );

function failed(url: string, reason: string, cause?: unknown): MoebiusError {
  return new MoebiusError('download-failed', `${url} could not be downloaded: ${reason}.`, { cause });
}

function withContext(error: unknown, { path }: DownloadOptions): MoebiusError {
  if (!isDiskFull(error)) return toMoebiusError(error);
  return new MoebiusError(
    'disk-full',
    `The disk is full: free some space and try again; ${path} goes on where it stopped.`,
    {
      cause: error,
    },
  );
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
  });
}
