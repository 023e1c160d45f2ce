/**
 * Up to where collections stay packed. The fields bear the names of their options in camel case, the defaults are those of
 * the option table; the engine keeps both the same.
 */
export class EncodingLimits {
  hashMaxListpackEntries = 512;
  hashMaxListpackValue = 64;
  listMaxListpackSize = -2;
  /** Elements of a list that are at least as large stand in nodes of their own (DEBUG QUICKLIST-PACKED-THRESHOLD). */
  listPackedThreshold = Infinity;
  setMaxIntsetEntries = 512;
  setMaxListpackEntries = 128;
  setMaxListpackValue = 64;
  zsetMaxListpackEntries = 128;
  zsetMaxListpackValue = 64;
  streamNodeMaxBytes = 4096;
  streamNodeMaxEntries = 100;
}
