/** Counters of a server that INFO shows and CONFIG RESETSTAT sets back. */
export class Stats {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  bytesReceived = 0;
  bytesSent = 0;
  unexpectedErrorReplies = 0;
  errorReplies = 0;
  aclDeniedAuth = 0;
  peakMemory = 0;
  /** Bytes of the JavaScript heap before there was any data. */
  readonly startupMemory: number = process.memoryUsage().heapUsed;
  clientQueryBufferLimitDisconnections = 0;
  clientOutputBufferLimitDisconnections = 0;
  /** Errors answered, by code ("ERR", "WRONGTYPE"). */
  readonly errors: Map<string, number> = new Map();

  reset(): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.commandsProcessed = 0;
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.unexpectedErrorReplies = 0;
    this.errorReplies = 0;
    this.aclDeniedAuth = 0;
    this.clientQueryBufferLimitDisconnections = 0;
    this.clientOutputBufferLimitDisconnections = 0;
    this.errors.clear();
  }
}
