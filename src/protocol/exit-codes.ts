/** How the daemon's process ends on purpose. Anything else is a crash; the supervisor says so by name. */
export const EXIT = {
  ok: 0,
  /** An exception nobody caught; the stack is the last thing on stderr. */
  uncaught: 90,
  /** The client's end of the connection was closed, or its process is gone, without `shutdown`. */
  clientGone: 91,
  /** What arrived on stdin was not the protocol. */
  brokenConnection: 92,
} as const;
