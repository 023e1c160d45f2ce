/** The options of active defragmentation, as CONFIG has them. */
import type { Options } from "../base/options.ts";
import type { Defragmentation } from "../keyspace/defragmentation.ts";

/** Elements of a value that may be gone through at once whatever the option says: about a fifth of a millisecond. */
const SCANNED_MAX = 1000;

/** Has the options say how blocks are moved together, now and whenever they change. */
export function configureDefragmentation(options: Options, target: Defragmentation): void {
  options.onChange("activedefrag", (text) => (target.active = text === "yes"));
  options.onChange("active-defrag-ignore-bytes", (text) => (target.ignoreBytes = Number(text)));
  options.onChange("active-defrag-threshold-lower", (text) => {
    target.thresholdLower = Number(text);
  });
  options.onChange("active-defrag-threshold-upper", (text) => {
    target.thresholdUpper = Number(text);
  });
  options.onChange("active-defrag-cycle-min", (text) => (target.cycleMin = Number(text)));
  options.onChange("active-defrag-cycle-max", (text) => (target.cycleMax = Number(text)));
  options.onChange("active-defrag-max-scan-fields", (text) => {
    target.scanFields = Math.min(Number(text), SCANNED_MAX);
  });
  options.onChange("maxmemory", (text) => (target.limit = Number(text)));
}
