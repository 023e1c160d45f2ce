/** Why a server can't start with the data that it finds, in words for its operator. */
export class DataError extends Error {
  override name = "DataError";
}
