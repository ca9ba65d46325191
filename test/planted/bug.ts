/**
 * A planted bug: one edit of the product that a tired person could have made, the promise that it breaks, and the test that has to
 * notice. An edit names the exact text that it replaces, so that it fails loudly when the product has moved on, and never rots.
 */

export interface PlantedBug {
  /** For people and for the command line. */
  readonly id: string;
  /** Whom it breaks: an invariant (S, L or X with its number) or a law of the architecture. */
  readonly breaks: string;
  /** What the product does wrong with it: the end of the sentence "with this edit, ...". */
  readonly what: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly becomes: string;
  readonly caughtBy: {
    readonly file: string;
    /** Titles from the outermost `describe` to the test. */
    readonly test: readonly string[];
  };
}

/** As jest puts it together. */
export const fullNameOf = ({ caughtBy }: PlantedBug): string => caughtBy.test.join(" ");

/** @returns how often the text is in the content. */
const occurrences = (content: string, text: string): number => content.split(text).length - 1;

/** @throws when the text is not in the content exactly once: the product has moved on, and the bug with it. */
export function plant({ id, file, text, becomes }: PlantedBug, content: string): string {
  const count = occurrences(content, text);
  if (count !== 1) throw new Error(`${id}: its text is ${count} times in ${file}, not once`);
  return content.replace(text, () => becomes);
}
