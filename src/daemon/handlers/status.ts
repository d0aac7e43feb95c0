import type { ServerContext } from '../server.ts';

/** `status`, `ping` (health: answered by the thread that serves the wire) and `shutdown`. */
export function handleStatus({ serve, status, residency, selfTest, options }: ServerContext): void {
  serve('status', async () => status.read());
  serve('ping', async () => ({}));
  serve('shutdown', async () => {
    // The process can't end while a thread of it is inside the runtime.
    await Promise.all([selfTest.dispose(), residency.unload()]);
    // After the answer has been written: the connection ends with the process.
    setImmediate(() => options.onShutdown());
    return {};
  });
}
