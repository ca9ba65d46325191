/** One file of tests in the account that jest gives as JSON. */
export interface JestSuite {
  readonly name: string;
  /** Why it could not be loaded, or all that has failed in it. */
  readonly message: string;
  readonly status: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}
