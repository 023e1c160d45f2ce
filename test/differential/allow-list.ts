/**
 * Differences from redis-server 7.0.15 that are meant to be, each with its reason. Mostly what Redis itself changed until 7.4,
 * which is the behaviour that Hutch follows.
 */

export interface AllowedDifference {
  /** Matches the command line as reports print it. Who knows the type of the key says "OBJECT ENCODING of a list". */
  readonly command: RegExp;
  /** Matches our reply and theirs as reports print them. Where both have a group of the same name, it must hold the same. */
  readonly ours?: RegExp;
  readonly theirs?: RegExp;
  readonly reason: string;
}

export const ALLOWED_DIFFERENCES: readonly AllowedDifference[] = [
  {
    command: /\bOBJECT ENCODING (\S+|of a list)$/i,
    ours: /^"?listpack"?$/,
    theirs: /^"?quicklist"?$/,
    reason: "since 7.2 a short list is one listpack",
  },
  {
    command: /\bLPOS .* RANK -9223372036854775808/i,
    ours: /^.?-?ERR value is out of range/,
    theirs:
      /^(null|:\d+$|\[|.?-?WRONGTYPE |.?-?ERR (MAXLEN|COUNT) can't be negative|.?-?ERR (syntax error|value is not an integer))/,
    reason: "since 7.2 the one rank whose opposite is no integer is refused",
  },
  {
    command: /^HELLO 3 AUTH nobody x SETNAME$/i,
    ours: /Syntax error in HELLO option/,
    theirs: /^-WRONGPASS/,
    reason: "since 7.2 HELLO reads all of its options before it acts on any",
  },
  {
    command: /^COMMAND GETKEYS PFMERGE k$/i,
    ours: /^\["k"\]$/,
    theirs: /^-ERR Invalid arguments/,
    reason:
      "redis-server does not see the key of PFMERGE without sources, which writes it all the same",
  },
  {
    command: /^CLIENT PAUSE 9223372036854775807/i,
    ours: /^-ERR timeout is out of range$/,
    theirs: /^\+OK$/,
    reason: "since 7.2 a time is refused whose end does not fit into 64 bits",
  },
  {
    command: /\bOBJECT REFCOUNT /i,
    ours: /^:1$/,
    theirs: /^:\d+$/,
    reason:
      "redis-server shares the objects of small integers between keys; values of Hutch stand in their entries",
  },
  {
    command: /\bMEMORY USAGE /i,
    ours: /^null( bulk)?$/,
    theirs: /^:\d+$/,
    reason:
      "redis-server measures a key whose time has come and that nobody asked for yet; no command of Hutch sees one",
  },
  {
    command: /\bB(LPOP|RPOP|LMOVE|RPOPLPUSH|LMPOP|ZPOPMIN|ZPOPMAX|ZMPOP)\b/i,
    ours: /^.?-?ERR timeout is out of range/,
    theirs: /^.?-?ERR timeout is negative/,
    reason: "since 7.2 a time that is too long is not taken for a negative one",
  },
  {
    command: /\bXREAD(GROUP)? .*BLOCK 9223372036854775807/i,
    ours: /^-ERR timeout is out of range$/,
    reason: "since 7.2 a time is refused whose end does not fit into 64 bits",
  },
  {
    command: /\bXAUTOCLAIM .* COUNT 2147483648/i,
    ours: /Insufficient memory, failed allocating transient memory/,
    theirs: /^\["0-0", \[/,
    reason: "redis-server allocates room for as many ids, which depends on the machine's memory",
  },
  {
    command: /\bBIT(COUNT|POS) /i,
    ours: /^.?-?ERR (value is not an integer or out of range|syntax error|The bit argument must be)/,
    theirs: /^(:\d+|:-1|"?-?WRONGTYPE .*)$/,
    reason: "since 7.2 the arguments are checked before the key is looked at",
  },
  {
    command: /\bOBJECT ENCODING (\S+|of a set)$/i,
    ours: /^"?listpack"?$/,
    theirs: /^"?hashtable"?$/,
    reason: "since 7.2 small sets that hold more than integers are listpacks",
  },
  {
    command: /^Z(REV)?RANK /i,
    ours: /^-(ERR syntax error|WRONGTYPE .*)$|^(null|\[|:)/,
    theirs: /^-ERR wrong number of arguments/,
    reason: "since 7.2 an option may follow the member",
  },
  {
    command: /\bXREAD(GROUP)?\b/i,
    ours: /Unbalanced 'xread(group)?' list of streams/,
    theirs: /Unbalanced XREAD list of streams/,
    reason: "since 7.2 and 7.4 the message names the command and the ids that it takes",
  },
  {
    command: /\bXREAD(GROUP)?\b/i,
    theirs: /command is not allowed with BLOCK option from scripts/,
    reason: "since 7.4 a script may say BLOCK, and does not wait",
  },
  {
    command: /\bXREADGROUP\b.* \+/i,
    ours: /The \+ ID is meaningless in the context of XREADGROUP/,
    theirs: /Invalid stream ID specified/,
    reason: "since 7.4 + has an error of its own there, as $ has",
  },
  {
    command: /\bXREAD\b.* \+/i,
    theirs: /Invalid stream ID specified/,
    reason: "since 7.4 + stands for the last entry",
  },
  {
    command: /./,
    ours: /No permissions to access a (?<what>key|channel)$/,
    theirs:
      /this user has no permissions to access one of the (?<what>key|channel)s used as arguments$/,
    reason: "since 7.2 the message reads so",
  },
  {
    command: /./,
    ours: /User \S* has no permissions to run the '(?<name>[^']+)' command$/,
    theirs: /this user has no permissions to run the '(?<name>[^']+)' command$/,
    reason: "since 7.2 the message names the user",
  },
  {
    command: /./,
    ours: /ACL failure in script: No permissions to access a (?<what>key|channel)\b/,
    theirs: /The user executing the script can't access at least one of the (?<what>key|channel)s/,
    reason: "since 7.2 the message reads as outside of a script",
  },
  {
    command: /./,
    ours: /ACL failure in script: User \S* has no permissions to run the '/,
    theirs: /The user executing the script can't run this command or subcommand/,
    reason: "since 7.2 the message reads as outside of a script",
  },
  {
    command: /^ACL DRYRUN /i,
    ours: /^"User \S* (?<rest>has no permissions .*)"$/,
    theirs: /^"This user (?<rest>has no permissions .*)"$/,
    reason: "since 7.2 the message names the user",
  },
  {
    command: /^COMMAND GETKEYS(ANDFLAGS)? \S+$/i,
    ours: /^-(ERR (The command has no key arguments|Invalid)|NOPERM)/,
    theirs: /^-ERR wrong number of arguments/,
    reason: "since 7.2 the line may be a name only, and the answer is about that",
  },
  {
    command: /^COMMAND GETKEYS.* GEORADIUS.* STORE.* STORE/i,
    ours: /^\[/,
    theirs: /^\[/,
    reason:
      "of several options the last counts, as it does when the command runs; redis-server names the first",
  },
  {
    command: /^COMMAND GETKEYS(ANDFLAGS)? Z(UNION|INTER|DIFF)STORE /i,
    ours: /^\[.+\]$/,
    theirs: /^\[.+\]$/,
    reason:
      "of a number of keys that is not quite one redis-server names the keys in its second way, the destination last",
  },
  {
    command: /^COMMAND GETKEYSANDFLAGS /i,
    ours: /^\[.+\]$/,
    theirs: /^\[(\["[^"]*", (\[\]|~\{\})\](, )?)+\]$/,
    reason: "its second way to find keys does not know what is done with them",
  },
  {
    command: /\bOBJECT ENCODING (\S+|of a set)$/i,
    ours: /^"?(listpack|hashtable)"?$/,
    theirs: /^"?intset"?$/,
    reason: "since 7.2 a new set is made for as many members as were given, equal ones too",
  },
  {
    command: /\bPFMERGE \S+$/i,
    ours: /No permissions to access a key/,
    reason:
      "redis-server does not see the key of PFMERGE without sources, and lets everybody write it",
  },
  {
    command: /\bSORT(_RO)?\b(?!.* ALPHA\b)/i,
    ours: /^(\[|:)/,
    theirs: /One or more scores can't be converted into double/,
    reason:
      "redis-server takes what a command before has met for it: reading 5e-324 leaves an error number",
  },
  {
    command: /^WAIT /i,
    ours: /^-ERR timeout is out of range$/,
    theirs: /^:0$/,
    reason: "since 7.2 a time is refused whose end does not fit into 64 bits",
  },
  {
    command: /\bOBJECT ENCODING (\S+|of a zset)$/i,
    ours: /^"?listpack"?$/,
    theirs: /^"?skiplist"?$/,
    reason:
      "redis-server turns a sorted set to a skiplist when SORT reads it; reading changes nothing here",
  },
];

/** Whether the difference is one of the list. */
export function isAllowed(command: string, ours: string, theirs: string): boolean {
  return ALLOWED_DIFFERENCES.some((allowed) => {
    if (!allowed.command.test(command)) return false;
    const our = (allowed.ours ?? ANYTHING).exec(ours);
    const their = (allowed.theirs ?? ANYTHING).exec(theirs);
    if (our === null || their === null) return false;
    return Object.entries(our.groups ?? {}).every(
      ([name, text]) => text === (their.groups?.[name] ?? text),
    );
  });
}

const ANYTHING = /^/;
