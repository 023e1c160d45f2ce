/** Log lines in Redis's form: `<pid>:M <day> <month> <year> <hour>:<minute>:<second>.<ms> <level> <text>`. */

export type LogLevel = "debug" | "verbose" | "notice" | "warning" | "nothing";

const RANKS: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  verbose: 1,
  notice: 2,
  warning: 3,
  nothing: 4,
};
const MARKS = [".", "-", "*", "#"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export class Logger {
  level: LogLevel = "nothing";
  /** The letter after the process id: C while the program starts, M as a primary. */
  role: "C" | "M" = "M";
  /** Takes a whole line without its line break, one character a byte. */
  write: (line: string) => void = () => {};

  debug(text: string): void {
    this.#log("debug", text);
  }

  verbose(text: string): void {
    this.#log("verbose", text);
  }

  notice(text: string): void {
    this.#log("notice", text);
  }

  warning(text: string): void {
    this.#log("warning", text);
  }

  #log(level: LogLevel, text: string): void {
    if (RANKS[level] < RANKS[this.level]) return;
    // A line stays a line, whatever a client put into the text.
    const line = text.replace(/[\r\n\0]/g, " ");
    this.write(`${process.pid}:${this.role} ${stamp(new Date())} ${MARKS[RANKS[level]]} ${line}`);
  }
}

function stamp(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(time.getDate())} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  const hour = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day} ${hour}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
