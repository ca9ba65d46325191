/** Volumes that no mover can mount beside the app are refused before anything is done. */
import { describe, expect, test } from "@jest/globals";
import type { Claim } from "../../../operator/api/kinds.ts";
import { type Candidate, checkCandidate } from "../../../operator/decide/checks.ts";
import { aClaim, anApp } from "../../support/builders.ts";
import { aCandidate } from "../../support/candidate.ts";

const uploads = (spec: Claim["spec"]): Pick<Candidate, "app"> => ({
  app: anApp({ claims: new Map([...anApp().claims, ["shop-uploads", { ...aClaim("shop-uploads"), spec }]]) }),
});
const onePod = uploads({ accessModes: ["ReadWriteOncePod"] });

describe("a volume", () => {
  test.each<{ name: string; seen: Partial<Candidate>; code?: string; says?: string }>([
    { name: "that one pod alone can mount", seen: onePod, code: "HO-P115", says: "shop-uploads is ReadWriteOncePod" },
    {
      name: "that one pod alone can mount, while the app is not stopped",
      seen: { ...onePod, stops: false },
      code: "HO-P115",
    },
    { name: "that one pod alone can mount, for a restore", seen: { ...onePod, type: "Restore" }, code: "HO-P115" },
    {
      name: "that one pod alone can mount does not matter to a restore of the databases",
      seen: { ...onePod, type: "Restore", asked: { from: { latest: true }, include: { databases: ["shop"] } } },
    },
    {
      name: "that one pod alone can mount does not matter to a run of the databases",
      seen: { ...onePod, type: "Database", stops: false },
    },
    {
      name: "without files",
      seen: uploads({ volumeMode: "Block" }),
      code: "HO-P115",
      says: "shop-uploads is a block device",
    },
    { name: "of files for several pods", seen: uploads({ accessModes: ["ReadWriteOnce"], volumeMode: "Filesystem" }) },
  ])("$name", ({ seen, code, says }) => {
    const refusal = checkCandidate({ ...aCandidate, ...seen });
    expect(refusal?.code).toBe(code);
    expect(refusal?.message ?? "").toContain(says ?? "");
  });
});
