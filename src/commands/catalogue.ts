/** The command table as access control sees it. */
import type { Catalogue, CatalogueCommand } from "../security/catalogue.ts";
import { CATEGORIES } from "./acl-categories.ts";
import type { CommandTable } from "./table.ts";

export function catalogueOf(table: CommandTable): Catalogue {
  return {
    categories: CATEGORIES,
    get commands(): readonly CatalogueCommand[] {
      return table.commands.flatMap((command) => [command, ...command.children]);
    },
    find: (name) => table.byName(name),
  };
}
