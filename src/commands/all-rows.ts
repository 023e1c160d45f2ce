/** The rows of all command families. */
import { connectionRows } from "./connection.ts";
import type { CommandRow } from "./row.ts";
import { stringRows } from "./strings.ts";

export const ALL_ROWS: readonly CommandRow[] = [...stringRows, ...connectionRows];
