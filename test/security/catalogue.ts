/** A small catalogue of commands for tests: a few commands, one of them with subcommands, in two categories. */
import type { Catalogue, CatalogueCommand } from "../../src/security/catalogue.ts";

export const READ = 1;
export const WRITE = 2;

function command(
  id: number,
  fullName: string,
  categories: number,
  parent: CatalogueCommand | null = null,
): CatalogueCommand & { children: CatalogueCommand[] } {
  return { id, fullName, parent, children: [], categories };
}

const config = command(3, "config", 0);
config.children.push(
  command(4, "config|get", READ, config),
  command(5, "config|set", WRITE, config),
);
const commands: readonly CatalogueCommand[] = [
  command(0, "get", READ),
  command(1, "set", WRITE),
  command(2, "select", 0),
  config,
  ...config.children,
];

export const catalogue: Catalogue = {
  categories: ["read", "write"],
  commands,
  find: (name) => commands.find(({ fullName }) => fullName === name.toLowerCase()) ?? null,
};
