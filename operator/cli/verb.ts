/** A verb of `kubectl handover`: what it takes, how its help reads, and what it does. */
import type { Cluster } from "../cluster/client.ts";
import type { Instant } from "../domain/instant.ts";
import type { Parsed } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

export interface Option {
  readonly name: string;
  readonly short?: string;
  /** What stands for its value in the help; absent for a switch. */
  readonly value?: string;
  readonly multiple?: boolean;
  readonly help: string;
}

export interface Invocation {
  readonly cluster: Cluster;
  /** Of the option or of the context; empty means all. */
  readonly namespace: string;
  readonly args: Parsed;
  readonly terminal: Terminal;
  /** When the command was started. */
  readonly now: Instant;
}

export interface Verb {
  readonly name: string;
  readonly operands: { readonly synopsis: string; readonly least: number; readonly most: number };
  readonly summary: string;
  /** Paragraphs. */
  readonly details: readonly string[];
  readonly options: readonly Option[];
  readonly allNamespaces?: boolean;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Mistakes that can be told before anything is asked of a cluster. @throws Failure */
  readonly check?: (args: Parsed) => void;
  /** @returns the exit code */
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** Pretty and with a stable order of keys, which is that of the object. */
export const printJson = ({ terminal }: Invocation, value: unknown): void =>
  terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
