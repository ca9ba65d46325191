/** Whether the Node of this machine can run the plugin. Imports nothing: an older one has to be able to load it. */

const oldest = 24;

/** @param version as `process.version` has it @returns what is said instead of running */
export const tooOld = (version: string): string | undefined =>
  Number(/^v(\d+)/.exec(version)?.[1]) >= oldest
    ? undefined
    : `error: kubectl handover needs Node ${oldest} or newer, and this is ${version}
Next: install Node ${oldest}, put it before the old one on the PATH, and type the same again: node --version
`;
