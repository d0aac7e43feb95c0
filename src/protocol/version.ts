/** Bumped with every change of the wire; the handshake refuses a peer of another version by name. */
export const PROTOCOL_VERSION = 4;
