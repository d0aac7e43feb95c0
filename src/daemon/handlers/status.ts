import type { ServerContext } from '../server.ts';

/** `status`, `ping` (health: answered by the thread that serves the wire) and `shutdown`. */
export function handleStatus({ serve, status, residency, options }: ServerContext): void {
  serve('status', async () => status.read());
  serve('ping', async () => ({}));
  serve('shutdown', async () => {
    await residency.unload();
    // After the answer has been written: the connection ends with the process.
    setImmediate(() => options.onShutdown());
    return {};
  });
}
