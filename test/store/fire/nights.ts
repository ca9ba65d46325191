/**
 * An app that changes in every way between its captures. Of each kind of change there are two: when a capture was disturbed, the app takes
 * one of them back before the next one begins, as if it had never been, and goes on with the other. What is believed of a mirror that was
 * half way would hide that.
 */
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setAttribute } from "../../support/odd-files.ts";

/** Of the files whose edits nobody sees by their size and modification time. */
const sameTime = new Date("2026-10-01T12:00:00Z");

const pairs = ["a", "b"] as const;

export class Nights {
  readonly #volume: string;

  constructor(volume: string) {
    this.#volume = volume;
  }

  #at = (path: string): string => join(this.#volume, path);

  #write(path: string, content: string): void {
    mkdirSync(join(this.#at(path), ".."), { recursive: true });
    writeFileSync(this.#at(path), content);
  }

  #edit(path: string, content: string): void {
    this.#write(path, content);
    utimesSync(this.#at(path), sameTime, sameTime);
  }

  #point(path: string, target: string): void {
    rmSync(this.#at(path), { force: true });
    symlinkSync(target, this.#at(path));
    lutimesSync(this.#at(path), sameTime, sameTime);
  }

  #remove = (path: string): void => rmSync(this.#at(path), { recursive: true });
  #move = (path: string, to: string): void => renameSync(this.#at(path), this.#at(to));

  /** What there is at first. */
  begin(): void {
    this.#write("still", "nothing happens to this one\n".repeat(3000));
    for (const one of pairs) {
      for (const name of ["gone", "grown", "kept"]) this.#write(`${name}-${one}`, `${name} ${one}\n`);
      this.#edit(`sly-${one}`, "before");
      this.#write(`left-${one}/deep/file`, "goes with its directory");
      this.#write(`album-${one}/photo`, "of an album\n".repeat(500));
      this.#write(`album-${one}/inner/photo`, "of another");
      linkSync(this.#at(`album-${one}/photo`), this.#at(`also-${one}`));
      this.#write(`file-${one}`, "becomes a directory");
      this.#write(`directory-${one}/file`, "becomes a file");
      this.#write(`shared-${one}-1`, "two names");
      linkSync(this.#at(`shared-${one}-1`), this.#at(`shared-${one}-2`));
      this.#point(`pointer-${one}`, "still");
      this.#write(`mode-${one}`, "of another mode and attribute");
    }
  }

  /** One thing more, for a generation between the first one and the night in question. */
  calm(): void {
    this.#write("calm", "of a calm night");
  }

  /** Of every kind. @param names a, b, or both */
  change(names: readonly string[] = pairs): void {
    for (const one of names) {
      this.#write(`new-${one}`, "new\n".repeat(200));
      this.#write(`fresh-${one}/new`, "new in a new directory");
      for (const name of [`gone-${one}`, `left-${one}`]) this.#remove(name);
      appendFileSync(this.#at(`grown-${one}`), "and more");
      this.#edit(`sly-${one}`, "after!");
      this.#move(`album-${one}`, `book-${one}`);
      this.#remove(`file-${one}`);
      this.#write(`file-${one}/within`, "it");
      this.#remove(`directory-${one}`);
      this.#write(`directory-${one}`, "now a file");
      this.#remove(`shared-${one}-2`);
      this.#write(`shared-${one}-2`, "its own");
      linkSync(this.#at(`shared-${one}-1`), this.#at(`shared-${one}-3`));
      this.#point(`pointer-${one}`, "kept-a");
      chmodSync(this.#at(`mode-${one}`), 0o4750);
      setAttribute(this.#at(`mode-${one}`), "user.colour", one);
    }
  }

  /** Takes the changes of one name back. */
  takeBack(one = "a"): void {
    for (const name of [`new-${one}`, `fresh-${one}`]) this.#remove(name);
    this.#write(`gone-${one}`, `gone ${one}\n`);
    this.#write(`left-${one}/deep/file`, "goes with its directory");
    this.#write(`grown-${one}`, `grown ${one}\n`);
    this.#edit(`sly-${one}`, "before");
    // Nothing of what is in it has a record that differs from what it was.
    this.#move(`book-${one}`, `album-${one}`);
    for (const name of [`file-${one}`, `directory-${one}`]) this.#remove(name);
    this.#write(`file-${one}`, "becomes a directory");
    this.#write(`directory-${one}/file`, "becomes a file");
    for (const name of ["2", "3"]) this.#remove(`shared-${one}-${name}`);
    linkSync(this.#at(`shared-${one}-1`), this.#at(`shared-${one}-2`));
    this.#point(`pointer-${one}`, "still");
    chmodSync(this.#at(`mode-${one}`), 0o600);
  }

  /** Goes on with what has changed. */
  goOn(one = "b"): void {
    this.#remove(`fresh-${one}/new`);
    this.#write(`fresh-${one}/newer`, "newer");
    this.#edit(`sly-${one}`, "third.");
    this.#write(`gone-${one}`, "another one of that name");
    this.#move(`book-${one}/inner`, `inner-${one}`);
    this.#remove(`shared-${one}-1`);
    linkSync(this.#at(`shared-${one}-2`), this.#at(`shared-${one}-1`));
    this.#write(`file-${one}/within`, "other");
    setAttribute(this.#at(`mode-${one}`), "user.colour", "other");
  }

  /** After the warm pass of a capture. */
  evening(seq: number): void {
    this.#write(`evening-${seq}`, "after the warm pass");
    rmSync(this.#at(`evening-${seq - 1}`), { force: true });
    rmSync(this.#at("kept-b"), { force: true });
    this.#edit("sly-a", `at ${String(seq).padStart(3)}`);
  }
}
