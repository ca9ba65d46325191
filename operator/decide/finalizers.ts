/** The finalizer of runs and restores: none of them goes while an app is held in its name. */
import type { Metadata } from "../api/kinds.ts";
import { finalizer } from "../api/names.ts";
import type { Action } from "./decision.ts";

export const isHeldBack = ({ finalizers = [] }: Metadata): boolean => finalizers.includes(finalizer);

export const holdBack = ({ finalizers = [] }: Metadata): Action => ({
  do: "setFinalizers",
  finalizers: [...finalizers, finalizer],
});

export const letGo = ({ finalizers = [] }: Metadata): Action => ({
  do: "setFinalizers",
  finalizers: finalizers.filter((name) => name !== finalizer),
});
