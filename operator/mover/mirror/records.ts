/** What programs print record by record, each closed by a NUL, because a name may hold every other byte. */
import { Writable } from "node:stream";

/** @param take gets each record, bytes as latin1 */
export function createRecords(take: (record: string) => void): Writable {
  let rest = "";
  return new Writable({
    decodeStrings: false,
    write(chunk: Buffer | string, _encoding, done): void {
      const records = (rest + (typeof chunk === "string" ? chunk : chunk.toString("latin1"))).split("\0");
      rest = records.pop() ?? "";
      for (const record of records) take(record);
      done();
    },
  });
}

/** Of what `comm` prints of two lists: `first` gets the records that the one alone has, `second` those of the other. */
export const createSides = (first: (record: string) => void, second: (record: string) => void): Writable =>
  // What the second one alone has is indented.
  createRecords((record) => (record.startsWith("\t") ? second(record.slice(1)) : first(record)));
