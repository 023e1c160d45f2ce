/** FUNCTION and FCALL. */
import type { Case, Step } from "../case.ts";

const library = (name: string, body: string): string => `#!lua name=${name}\n${body}`;

const COUNT =
  "redis.register_function('count', function(keys, args) return {#keys, #args, keys, args} end)";

const load = (code: string): Step => ["FUNCTION", "LOAD", code];

export const cases: readonly Case[] = [
  {
    name: "libraries are loaded, replaced, deleted and listed",
    steps: [
      "FUNCTION FLUSH",
      load(library("l", COUNT)),
      load(library("l", COUNT)),
      load(library("other", COUNT)),
      ["FUNCTION", "LOAD", "REPLACE", library("l", COUNT)],
      ["FUNCTION", "LOAD", "replace", "REPLACE", library("l", COUNT)],
      ["FUNCTION", "LOAD", "NOW", library("l", COUNT)],
      ["FUNCTION", "LOAD"],
      "FUNCTION LIST",
      "FUNCTION LIST WITHCODE",
      "FUNCTION LIST LIBRARYNAME L*",
      "FUNCTION LIST LIBRARYNAME x* WITHCODE",
      "FUNCTION LIST LIBRARYNAME",
      "FUNCTION LIST WITHCODE WITHCODE",
      "FUNCTION LIST NONSENSE",
      "FUNCTION STATS",
      "FCALL count 2 a b c d",
      "FCALL count 0",
      "FCALL count 3 a b",
      "FCALL count -1",
      "FCALL count x",
      "FCALL nosuch 0",
      "FCALL COUNT 0",
      "FCALL_RO count 0",
      "FUNCTION DELETE nosuch",
      "FUNCTION DELETE l",
      "FUNCTION LIST",
      "FCALL count 0",
      "FUNCTION FLUSH SYNC",
      "FUNCTION FLUSH ASYNC",
      "FUNCTION FLUSH NOW",
      "FUNCTION FLUSH SYNC NOW",
      "FUNCTION KILL",
      "FUNCTION NOSUCH",
      "FUNCTION",
      "FUNCTION STATS x",
    ],
  },
  {
    name: "libraries that can't be loaded leave nothing behind",
    steps: [
      "FUNCTION FLUSH",
      ...[
        "",
        "redis.register_function('f', function() end)",
        "#!lua name=l",
        "#!lua\nreturn 1",
        "#!lua name=l name=m\nreturn 1",
        "#!lua name=l flags=x\nreturn 1",
        "#!lua name=a-b\nreturn 1",
        "#!lua name=\nreturn 1",
        "#!js name=l\nreturn 1",
        "#!LUA name=l\nreturn 1",
        "#!lua   name=l  \nreturn 1",
        library("l", "return"),
        library("l", "foo"),
        library("l", "local x = nil + 1"),
        library("l", "redis.call('SET', 'k', 'v')"),
        library("l", "redis.pcall('SET', 'k', 'v')"),
        library("l", "redis.setresp(3)"),
        library("l", "return KEYS"),
        library("l", "global = 1"),
        library("l", "redis.register_function()"),
        library("l", "redis.register_function(1, 2, 3)"),
        library("l", "redis.register_function('f')"),
        library("l", "redis.register_function('f', 5)"),
        library("l", "redis.register_function({}, function() end)"),
        library("l", "redis.register_function('a b', function() end)"),
        library("l", "redis.register_function('', function() end)"),
        library("l", "redis.register_function{}"),
        library("l", "redis.register_function{function_name = 'f'}"),
        library("l", "redis.register_function{callback = function() end}"),
        library("l", "redis.register_function{function_name = {}, callback = function() end}"),
        library("l", "redis.register_function{function_name = 'f', callback = 5}"),
        library(
          "l",
          "redis.register_function{function_name = 'f', callback = function() end, flags = 5}",
        ),
        library(
          "l",
          "redis.register_function{function_name = 'f', callback = function() end, flags = {'x'}}",
        ),
        library(
          "l",
          "redis.register_function{function_name = 'f', callback = function() end, flags = {5}}",
        ),
        library(
          "l",
          "redis.register_function{function_name = 'f', callback = function() end, what = 1}",
        ),
        library(
          "l",
          "redis.register_function{function_name = 'f', callback = function() end, description = {}}",
        ),
        library("l", `${COUNT} ${COUNT}`),
        library("l", `${COUNT} local x = nil + 1`),
      ].map(load),
      "FUNCTION LIST",
      "FCALL count 0",
    ],
  },
  {
    name: "flags and descriptions of functions",
    steps: [
      "FUNCTION FLUSH",
      load(
        library(
          "l",
          "redis.register_function{function_name = 'reads', flags = {'no-writes', 'allow-stale'}, description = 'about', " +
            "callback = function(keys) return redis.call('GET', keys[1]) end}",
        ),
      ),
      load(
        library(
          "w",
          "redis.register_function('writes', function(keys, args) return redis.call('SET', keys[1], args[1]) end)\n" +
            "redis.register_function{function_name = 'lies', flags = {'no-writes'}, " +
            "callback = function(keys, args) return redis.call('SET', keys[1], args[1]) end}",
        ),
      ),
      "FUNCTION LIST LIBRARYNAME l",
      "FCALL writes 1 k v",
      "FCALL reads 1 k",
      "FCALL_RO reads 1 k",
      "FCALL_RO writes 1 k v",
      "FCALL lies 1 k v2",
      "FCALL_RO lies 1 k v2",
      "GET k",
      "MULTI",
      "FCALL writes 1 k v3",
      "FCALL reads 1 k",
      "EXEC",
      "FUNCTION FLUSH",
    ],
  },
  {
    name: "errors of functions",
    steps: [
      "FUNCTION FLUSH",
      load(
        library(
          "l",
          "local function helper(x)\n  return x.y\nend\n" +
            "redis.register_function('e1', function(keys, args) error('no') end)\n" +
            "redis.register_function('e2', function(keys, args) return helper(nil) end)\n" +
            "redis.register_function('e3', function(keys, args) return redis.call('NOSUCH') end)\n" +
            "redis.register_function('e4', function(keys, args) return KEYS end)\n" +
            "redis.register_function('e5', function(keys, args) x = 1 end)\n" +
            "redis.register_function('e6', function(keys, args) return {err = 'mine'} end)\n" +
            "redis.register_function('e7', function(keys, args) return redis.error_reply('MY own') end)\n" +
            "redis.register_function('e8', function(keys, args) redis.setresp(3) return redis.call('HGETALL', 'h') end)",
        ),
      ),
      "HSET h a 1",
      ...["e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8"].map((name): Step => `FCALL ${name} 0`),
      "FUNCTION FLUSH",
    ],
  },
  {
    name: "FUNCTION DUMP and RESTORE",
    steps: [
      "FUNCTION FLUSH",
      "FUNCTION DUMP",
      load(library("l", COUNT)),
      "FUNCTION DUMP",
      "FUNCTION RESTORE x",
      "FUNCTION RESTORE x FLUSH",
      "FUNCTION RESTORE x NOW",
      "FUNCTION RESTORE x FLUSH NOW",
      "FUNCTION FLUSH",
    ],
  },
];
