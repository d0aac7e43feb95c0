/** A small JSON answer over HTTP, such as a hub's list of files. */
import { cancelled, MoebiusError } from '../base/errors.ts';
import { networkReason, requestDownload } from './download-request.ts';

const ANSWER_MS = 30_000;
/** A repository of a thousand files has a list of some 300 KB. */
const LIMIT_BYTES = 4 * 1024 * 1024;

/** Throws `download-failed` with what the server said, or `cancelled`. */
export async function downloadJson(url: string, signal?: AbortSignal): Promise<unknown> {
  const timeout = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await requestDownload(url, {
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > LIMIT_BYTES) throw new Error(`the answer has more than ${LIMIT_BYTES} bytes`);
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    const reason = timeout.aborted ? 'the server did not answer' : networkReason(error);
    throw new MoebiusError('download-failed', `${url} could not be read: ${reason}.`, { cause: error });
  }
}
