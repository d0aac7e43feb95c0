import { MoebiusError } from '../../base/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { parseParams } from '../params.ts';
import type { ServerContext } from '../server.ts';

/** `initialize`: both sides must speak the same version of the wire; after that the other methods answer. */
export function handleInitialize({ peer, options, state, statusChanged }: ServerContext): void {
  peer.onRequest('initialize', async params => {
    const client = parseParams('initialize', params);
    if (client.protocolVersion !== PROTOCOL_VERSION) {
      throw new MoebiusError(
        'version-mismatch',
        `${client.clientName} speaks version ${client.protocolVersion} of the protocol, the daemon ` +
          `${options.about.daemonVersion} speaks ${PROTOCOL_VERSION}. Reload the window so that both are of one release.`,
      );
    }
    state.isInitialized = true;
    options.onInitialized(client);
    statusChanged();
    return { ...options.about, protocolVersion: PROTOCOL_VERSION, pid: process.pid };
  });
}
