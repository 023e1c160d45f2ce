/** What the requests of the native client fail with. A key that is not there is no error: `get` gives null. */

/** The server answered an error, as for a key that holds a list; the message is the server's. The connection stays open. */
export class ServerError extends Error {
  override name = "ServerError";
}

/** No answer in time. The request may still be carried out; its late answer is dropped, and the connection stays open. */
export class TimeoutError extends Error {
  override name = "TimeoutError";
  /** The limit that was exceeded. */
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number) {
    super(`${what}: no answer within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/**
 * There is no connection: it could not be made, was closed, or broke. Requests without an answer may or may not have been
 * carried out.
 */
export class ConnectionClosedError extends Error {
  override name = "ConnectionClosedError";
}
