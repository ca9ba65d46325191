/** What is asked to be accepted: a Full run of a healthy app, and nothing speaks against it. */
import type { Candidate } from "../../operator/decide/checks.ts";
import { aPolicy, anApp } from "./builders.ts";

export const aCandidate: Candidate = {
  uid: "me",
  created: "2026-11-21T01:00:00Z",
  policyName: "shop",
  policy: aPolicy().build(),
  app: anApp(),
  runs: [],
  restores: [],
  stops: true,
  sinks: [],
  type: "Full",
};
