/** Two peers joined in memory, and the raw streams between them. */
import { PassThrough } from 'node:stream';
import { Peer, type PeerOptions } from '../../src/rpc/peer.ts';

interface ToyRequests {
  echo: [{ text: string }, { text: string }];
  wait: [{ id: number }, { id: number }];
}
interface ToyNotifications {
  tick: { n: number };
}
type Client = Peer<ToyRequests, object, object, ToyNotifications>;
type Server = Peer<object, ToyNotifications, ToyRequests, object>;

export function connectPeers(options: PeerOptions = {}): {
  client: Client;
  server: Server;
  toClient: PassThrough;
  toServer: PassThrough;
} {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const client: Client = new Peer(toClient, toServer, options);
  const server: Server = new Peer(toServer, toClient);
  return { client, server, toClient, toServer };
}

export const frame = (body: string): string => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
