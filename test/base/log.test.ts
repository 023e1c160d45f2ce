import { describe, expect, test } from "bun:test";
import { Logger } from "../../src/base/log.ts";

function loggerOf(lines: string[]): Logger {
  const logger = new Logger();
  logger.write = (line) => lines.push(line);
  return logger;
}

describe("the log", () => {
  test("has Redis's form, with a mark for each level", () => {
    const lines: string[] = [];
    const logger = loggerOf(lines);
    logger.level = "debug";
    logger.debug("a");
    logger.verbose("b");
    logger.notice("c");
    logger.role = "C";
    logger.warning("d");
    const marks = lines.map((line) => {
      const form = /^(\d+):([MC]) \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} (.) (.*)$/.exec(
        line,
      );
      expect(form?.[1]).toBe(String(process.pid));
      return form!.slice(2).join("");
    });
    expect(marks).toEqual(["M.a", "M-b", "M*c", "C#d"]);
  });

  test("leaves out what is less important than its level", () => {
    const lines: string[] = [];
    const logger = loggerOf(lines);
    for (const level of ["debug", "verbose", "notice", "warning", "nothing"] as const) {
      logger.level = level;
      lines.length = 0;
      for (const text of ["debug", "verbose", "notice", "warning"] as const) logger[text](text);
      const kept = ["debug", "verbose", "notice", "warning", "nothing"].indexOf(level);
      expect(lines).toHaveLength(4 - kept);
    }
  });

  test("keeps a text with line breaks on one line", () => {
    const lines: string[] = [];
    const logger = loggerOf(lines);
    logger.level = "notice";
    logger.notice("a\r\n1:M fake\0");
    expect(lines[0]).toEndWith("* a  1:M fake ");
  });
});
