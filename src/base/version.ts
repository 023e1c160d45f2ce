/** Which Hutch this is, and which Redis clients may take it for. */

export const HUTCH_VERSION = "0.1.0";
export const REDIS_VERSION = "7.4.1";
