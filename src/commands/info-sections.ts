/** The sections of INFO. Each part of the server registers what it knows; INFO prints them in order. */

/** Yields the fields of a section in order. */
export type InfoFields = () => Iterable<readonly [name: string, value: string | number]>;

interface Section {
  readonly fields: InfoFields[];
  readonly byDefault: boolean;
}

export class InfoSections {
  readonly #sections: Map<string, Section> = new Map();

  /**
   * Adds fields to a section, which comes into being with its first fields.
   * @param section as the client names it, lower case
   * @param byDefault whether plain INFO shows the section
   */
  add(section: string, fields: InfoFields, byDefault = true): void {
    const known = this.#sections.get(section);
    if (known === undefined) this.#sections.set(section, { fields: [fields], byDefault });
    else known.fields.push(fields);
  }

  /** The names of the sections that `name` stands for ("default", "all", "everything" or one section). */
  expand(name: string): string[] {
    if (name === "all" || name === "everything") return [...this.#sections.keys()];
    if (name !== "default") return this.#sections.has(name) ? [name] : [];
    return [...this.#sections].filter(([, section]) => section.byDefault).map(([key]) => key);
  }

  /** The text of the named sections, in the order in which they were added. */
  render(names: ReadonlySet<string>): string {
    const blocks: string[] = [];
    for (const [name, section] of this.#sections) {
      if (!names.has(name)) continue;
      let block = `# ${titleOf(name)}\r\n`;
      for (const fields of section.fields) {
        for (const [field, value] of fields()) block += `${field}:${value}\r\n`;
      }
      blocks.push(block);
    }
    return blocks.join("\r\n");
  }
}

function titleOf(name: string): string {
  return name === "cpu" ? "CPU" : `${name[0]!.toUpperCase()}${name.slice(1)}`;
}
