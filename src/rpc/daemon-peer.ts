/** The two ends of the daemon's wire. */
import type { DaemonNotifications, DaemonRequests } from '../protocol/daemon.ts';
import type { Peer } from './peer.ts';

type Nothing = Record<never, never>;

/** What a client holds: it sends the daemon's requests and hears its notifications. */
export type DaemonPeer = Peer<DaemonRequests, Nothing, Nothing, DaemonNotifications>;
/** What the daemon holds. */
export type ClientPeer = Peer<Nothing, DaemonNotifications, DaemonRequests, Nothing>;
