/** What runs tell of generations. */
import { describe, expect, test } from "@jest/globals";
import { catalogueOf, dependents, isPresent } from "../../../operator/cli/catalogue.ts";
import { aPolicy, aRun, doneStep, sink } from "../../support/builders.ts";
import { dump43, full40, incremental41, incremental42, made, scene } from "./scene.ts";

const { runs } = scene();
const all = catalogueOf(runs);
const find = (id: string) => all.find((one) => one.id === id)!;

test("newest first; runs without a generation are not among them", () => {
  expect(all.map(({ id }) => id)).toEqual([
    dump43,
    incremental42,
    incremental41,
    full40,
    "000039-20261125T020000Z-full",
  ]);
});

test("a chain is that of the parents, oldest first, and knows who needs it", () => {
  expect(find(incremental42).chain).toEqual([full40, incremental41]);
  expect(find(full40).chain).toEqual([]);
  expect(dependents(find(full40), all).map(({ id }) => id)).toEqual([incremental42, incremental41]);
});

describe("from where it can be restored", () => {
  test("where it and all of its chain count", () => {
    expect(find(full40).restorableFrom).toEqual(["source", "vault", "offsite"]);
    expect(find(incremental41).restorableFrom).toEqual(["source", "vault"]);
    // Its own copy offsite is verified, but the one between it and the full one is not there.
    expect(find(incremental42).restorableFrom).toEqual(["source"]);
  });

  test("nowhere when no run knows a member of the chain", () => {
    const [lonely] = catalogueOf(runs.filter(({ metadata }) => metadata.name === "shop-incr-2"));
    expect(lonely?.unknownInChain).toEqual([incremental41]);
    expect(lonely?.restorableFrom).toEqual([]);
  });

  test("a copy that asks for less than every byte counts once its check is done", () => {
    const policy = aPolicy()
      .sinks(sink("vault", { verify: "Sample" }))
      .build().spec;
    const copies = [{ location: "vault", state: "Stored" as const, required: true }];
    const run = made("a", "2026-11-26T02:00:00Z", {
      id: full40,
      type: "Full",
      storedBytes: 1,
      copies,
      change: { policy },
    });
    const checked = { ...run, status: { ...run.status, steps: [doneStep("Verify/vault", "2026-11-26T03:00:00Z")] } };
    expect(catalogueOf([run])[0]?.restorableFrom).toEqual([]);
    expect(catalogueOf([checked])[0]?.restorableFrom).toEqual(["vault"]);
  });
});

test("a ring of parents, which only a forged status has, ends", () => {
  const ring = [
    made("a", "2026-11-26T02:00:00Z", { id: full40, type: "Full", parent: incremental41, storedBytes: 1, copies: [] }),
    made("b", "2026-11-26T03:00:00Z", { id: incremental41, type: "Full", parent: full40, storedBytes: 1, copies: [] }),
  ];
  expect(catalogueOf(ring).map(({ chain }) => chain.length)).toEqual([2, 2]);
});

test("what is no id of a generation is none, and two runs of one generation are one", () => {
  const forged = aRun("x").finished("Complete", "../../etc").build();
  const again = {
    ...find(full40).run,
    metadata: { ...find(full40).run.metadata, name: "z", creationTimestamp: "2026-11-29T00:00:00Z" },
  };
  const seen = catalogueOf([forged, again, ...runs]);
  expect(seen.filter(({ id }) => id === full40).map(({ run }) => run.metadata.name)).toEqual(["shop-full"]);
  expect(seen).toHaveLength(5);
});

test("what is pruned everywhere lies nowhere", () => {
  expect(all.filter((one) => !isPresent(one)).map(({ id }) => id)).toEqual(["000039-20261125T020000Z-full"]);
});
