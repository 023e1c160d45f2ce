/**
 * The server that frameworks are tested against: Hutch, or redis-server where FRAMEWORK_SERVER=redis says so, which shows whether a
 * test that fails is right about Redis.
 */
import { startHutch } from "../support/hutch-process.ts";
import { startRedis } from "../support/redis-server.ts";

export interface FrameworkServer {
  readonly port: number;
  stop(): Promise<void>;
}

export function startServer(): Promise<FrameworkServer> {
  return process.env.FRAMEWORK_SERVER === "redis" ? startRedis() : startHutch();
}
