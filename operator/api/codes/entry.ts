/** The shape of an entry of the error catalogue, and the phrases that many entries share. */

export interface CodeEntry {
  /** CamelCase, the reason of conditions and events. */
  readonly reason: string;
  readonly what: string;
  /** For the app at the moment the code is reported. */
  readonly app: string;
  readonly data: string;
  /** `{namespace}`, `{policy}`, `{run}`, `{job}`, `{plan}`, `{uid}` and `{volume}` are filled in. The command comes last. */
  readonly next: string;
}

export const untouched = "not stopped";
export const onPresentState = "not stopped, running on its present state";
export const nothing = "nothing was written; older generations are untouched";
export const givenBack = "given back, running";
export const discarded = "this run left no generation; older generations are untouched";
export const describePolicy = "kubectl -n {namespace} describe bpol {policy}";
export const editPolicy = "kubectl -n {namespace} edit bpol {policy}";
export const logs = "kubectl -n {namespace} logs job/{job} --all-containers";
