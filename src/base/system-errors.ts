/** What the system calls its errors, in the words of C's strerror: those that Redis's messages end with. */

const TEXTS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "No such file or directory"],
  ["ENOTDIR", "Not a directory"],
  ["EISDIR", "Is a directory"],
  ["EACCES", "Permission denied"],
  ["EPERM", "Operation not permitted"],
  ["EROFS", "Read-only file system"],
  ["ENOSPC", "No space left on device"],
  ["EDQUOT", "Disk quota exceeded"],
  ["EFBIG", "File too large"],
  ["EIO", "Input/output error"],
  ["EEXIST", "File exists"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["ENAMETOOLONG", "File name too long"],
  ["EMFILE", "Too many open files"],
  ["EADDRINUSE", "Address already in use"],
  ["EADDRNOTAVAIL", "Cannot assign requested address"],
  ["EAFNOSUPPORT", "Address family not supported by protocol"],
]);

/** The code of an error that the system gave, as "ENOENT", or "". */
export function systemErrorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

export function systemErrorText(error: unknown): string {
  return (
    TEXTS.get(systemErrorCode(error)) ?? (error instanceof Error ? error.message : String(error))
  );
}
