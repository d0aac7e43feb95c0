/** Whether this processor multiplies 8-bit codes exactly: milliseconds, in a thread of their own. */
import { WorkerClient } from './session/worker-client.ts';

export async function areProductsExact(): Promise<boolean> {
  const worker = new WorkerClient();
  try {
    return (await worker.request('exact', {})).areExact;
  } finally {
    await worker.terminate();
  }
}
