/** Texts for people that have to fit a bound. */

/** @returns at most so many characters, the last of them a `…` when there was more: what is cut must not be read as all there is. */
export const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\s\uD800-\uDBFF]+$/, "")}…`;
