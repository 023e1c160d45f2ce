import { describe, expect, test } from "bun:test";
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import { environmentSettings, parseArguments } from "../../src/cli/arguments.ts";

const options = new Options(OPTION_ROWS);

function settings(...argv: string[]): readonly (readonly string[])[] {
  return parseArguments(argv, options).settings;
}

describe("the command line", () => {
  test("gives each option the words up to the next", () => {
    expect(settings("--port", "1", "--bind", "a", "-::1", "--save", "900", "1")).toEqual([
      ["port", "1"],
      ["bind", "a", "-::1"],
      ["save", "900", "1"],
    ]);
  });

  test("takes the word after a name as its value even with dashes", () => {
    expect(settings("--requirepass", "--x", "--hz", "5")).toEqual([
      ["requirepass", "--x"],
      ["hz", "5"],
    ]);
  });

  test("takes a name and its value in one argument", () => {
    expect(settings("--port 1", "--hz=5", "--requirepass=a b=c", "--nope=1")).toEqual([
      ["port", "1"],
      ["hz", "5"],
      ["requirepass", "a b=c"],
      ["nope=1"],
    ]);
  });

  test("takes --save without a value as no snapshots", () => {
    expect(settings("--save", "--hz", "5")).toEqual([
      ["save", ""],
      ["hz", "5"],
    ]);
    expect(settings("--save")).toEqual([["save", ""]]);
  });

  test("begins with a config file or standard input", () => {
    expect(parseArguments(["x.conf", "--hz", "5", "-"], options)).toEqual({
      wants: "start",
      configFile: "x.conf",
      fromInput: true,
      settings: [["hz", "5"]],
    });
    expect(parseArguments(["-"], options).fromInput).toBe(true);
  });
});

test("the environment is read for names of options only", () => {
  const environment = { HUTCH_PORT: "1", HUTCH_NOPE: "2", PORT: "3", HUTCH_SERVER_CPULIST: "4" };
  expect(environmentSettings(environment, options)).toEqual([
    { variable: "HUTCH_PORT", name: "port", value: "1" },
    { variable: "HUTCH_SERVER_CPULIST", name: "server-cpulist", value: "4" },
  ]);
});
