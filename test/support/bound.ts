/**
 * Processes that end with the one that started them, however that ends: the kernel kills them then (PR_SET_PDEATHSIG). A test run
 * that is interrupted or killed leaves no servers behind. Where setpriv is missing, they may stay.
 */
const setpriv = Bun.which("setpriv");

/** Words in front of a command, which becomes bound to whoever runs it; it keeps its process id. */
export const BOUND: readonly string[] =
  setpriv === null ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
