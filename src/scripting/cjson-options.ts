/** What a script may choose of `cjson`. Each script begins with the defaults. */

export interface JsonOptions {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  encodePrecision: number;
  encodeKeepBuffer: boolean;
  encodeInvalidNumbers: "off" | "on" | "null";
  decodeInvalidNumbers: boolean;
}

const DEFAULTS: Readonly<JsonOptions> = {
  sparseConvert: false,
  sparseRatio: 2,
  sparseSafe: 10,
  encodeMaxDepth: 1000,
  decodeMaxDepth: 1000,
  encodePrecision: 14,
  encodeKeepBuffer: true,
  encodeInvalidNumbers: "off",
  decodeInvalidNumbers: true,
};

export function defaultJsonOptions(): JsonOptions {
  return { ...DEFAULTS };
}

/** Puts the defaults back. */
export function resetJsonOptions(options: JsonOptions): void {
  Object.assign(options, DEFAULTS);
}
