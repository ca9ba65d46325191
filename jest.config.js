/** Tests run as they stand: Node strips the types, so there is no transform and no build step. */
export default {
  testEnvironment: "node",
  transform: {},
  extensionsToTreatAsEsm: [".ts"],
  moduleFileExtensions: ["ts", "js", "mjs", "cjs", "json"],
  // Only tests that wait rather than compute run side by side in one file.
  maxConcurrency: 12,
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  // Not a measure of anything: a busy machine is no failure.
  testTimeout: 240_000,
  setupFiles: ["<rootDir>/test/support/umask.js"],
  testSequencer: "<rootDir>/test/sequencer.js",
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/out/", "<rootDir>/.cluster/"],
};
