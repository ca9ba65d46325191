/** What people are told when something went wrong: the code, what happened, what of the app, what of the data, what to type next. */
import { type CodeEntry, type ErrorCode, explain } from "../api/codes.ts";
import { givenBack, onPresentState, untouched } from "../api/codes/entry.ts";
import type { StepRecord } from "../api/kinds.ts";
import type { AppState } from "./app-state.ts";

export interface Trouble {
  readonly code: ErrorCode;
  readonly what: string;
  /** That the advice is about. */
  readonly step: StepRecord | undefined;
  readonly app: AppState;
  /** Whether this run or restore has stopped it. */
  readonly wasStopped: boolean;
  readonly names: Parameters<typeof explain>[1];
  /** From what the catalogue says to what is so. */
  readonly data: (entry: CodeEntry) => string;
}

export function advise(trouble: Trouble): string {
  const { code, what } = trouble;
  const entry = explain(code, { ...trouble.names, ...namedIn(what) });
  return `${code} ${what}. App: ${tellApp(trouble, entry)}. Data: ${trouble.data(entry)}. Next: ${entry.next}`;
}

/** Messages of movers are taken at their word only as far as a word may be pasted into a command. */
const namedIn = (what: string): { readonly uid?: string | undefined; readonly volume?: string | undefined } => ({
  uid: /the policy with uid ([0-9A-Za-z-]{1,64})$/.exec(what)?.[1],
  volume: /^volume ([a-z][-a-z0-9]*)(:| is empty)/.exec(what)?.[1],
});

/** The catalogue says how things are when all is over, the state how they are now. */
function tellApp({ app, step, wasStopped }: Trouble, entry: CodeEntry): string {
  switch (app) {
    case "Stopped":
      // A step that has failed for good sets the giving back off; one that is tried again does not.
      return step?.state === "Failed" ? "stopped, being given back" : "stopped";
    case "Down":
      return "DOWN";
    case "Unknown":
      return wasStopped ? "given back, not seen to be ready" : "unknown; not stopped by this one";
    case "Parked":
      return "at no replicas, as a person has left it";
    default:
      // The same mistake may be met before the stop and after it.
      if (wasStopped) return entry.app === untouched || entry.app === onPresentState ? givenBack : entry.app;
      return entry.app === givenBack ? untouched : entry.app;
  }
}
