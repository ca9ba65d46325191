/** A file of names, each with `./` before it and a NUL after it, as tar and xargs read them. Names are bytes, carried as latin1. */
import { closeSync, openSync, writeSync } from "node:fs";
import { privateFile } from "../store/durable.ts";

const bufferCharacters = 64 * 1024;

export class NameFile {
  readonly #fd: number;
  #pending = "";
  #count = 0;

  /** The file must not exist. */
  constructor(path: string) {
    this.#fd = openSync(path, "wx", privateFile);
  }

  get count(): number {
    return this.#count;
  }

  add(path: string): void {
    this.#count += 1;
    this.#pending += `./${path}\0`;
    if (this.#pending.length >= bufferCharacters) this.#write();
  }

  close(): void {
    try {
      this.#write();
    } finally {
      closeSync(this.#fd);
    }
  }

  #write(): void {
    const bytes = Buffer.from(this.#pending, "latin1");
    this.#pending = "";
    for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
  }
}
