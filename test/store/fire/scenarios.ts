/** The steps that write into a store or a sink, each from a state in which it does all that it can do. */
import { join } from "node:path";
import type { Scenario } from "./campaign.ts";
import {
  emptySink,
  litterAtSink,
  loseAtSink,
  manifestDigest,
  newStoreAndSink,
  spoilAtSink,
  variant,
  type Templates,
} from "./templates.ts";
import { idOf, tasks, type World } from "./world.ts";

type Build = (world: World, templates: Templates) => readonly Scenario[];

export const sealing: Build = (_world, { captured }) => [
  { name: "seal", from: captured, task: tasks.seal(3), next: [tasks.warm(4)] },
];

export const transporting: Build = (world, { sealed, verified }) => {
  const givenBack = [world.sink.staging];
  return [
    {
      name: "transport",
      from: variant(world, sealed, "lost-at-sink", () => loseAtSink(world)),
      task: tasks.transport(3),
      followedBy: [tasks.verify(3)],
      givenBack,
    },
    {
      name: "transport-again",
      from: variant(world, verified, "spoilt-manifest", () => spoilAtSink(world, "manifest")),
      task: tasks.transport(3),
      followedBy: [tasks.verify(3)],
      givenBack,
    },
  ];
};

export const firstTransport: Build = (world, { verified }) => [
  {
    name: "transport-first",
    from: variant(world, verified, "empty-sink", () => emptySink(world)),
    task: tasks.transport(3),
    followedBy: [tasks.verify(3)],
    givenBack: [world.sink.staging],
  },
];

export const settling: Build = (world, { delivered, verified }) => [
  {
    name: "verify",
    from: variant(world, delivered, "spoilt", () => spoilAtSink(world, "manifest", "archive")),
    task: tasks.verify(3),
  },
  { name: "prune-source", from: verified, task: tasks.prune(3, "source", 1, [1, 2]) },
  {
    name: "prune-sink",
    from: variant(world, verified, "littered", () => litterAtSink(world)),
    task: tasks.prune(3, "vault", 1, [1, 2]),
  },
];

export const staging: Build = (world, { verified, today, staged }) => [
  {
    name: "stage",
    from: today,
    task: tasks.stage("vault", idOf(3), manifestDigest(verified, world, world.sink.store, 3)),
    back: tasks.cleanup(),
    givenBack: [join(world.volume, ".handover-5ca1ab1e")],
  },
  { name: "cleanup", from: staged, task: tasks.cleanup() },
];

export const swapping: Build = (_world, { staged }) => [
  { name: "swap", from: staged, task: tasks.swap(), exchanges: true, followedBy: [tasks.cleanup(true)] },
];

export const looking: Build = (world, { verified }) => {
  // The sink may have been out of reach the first time.
  const rest = [tasks.preflight(1), tasks.verify(1), tasks.prune(1, "source", 3), tasks.prune(1, "vault", 3)];
  const from = variant(world, verified, "new", () => newStoreAndSink(world));
  return [{ name: "preflight-first", from, task: tasks.preflight(1), followedBy: rest, next: rest }];
};
