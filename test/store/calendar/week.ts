/**
 * The handbook's calendar in virtual time: the real controller in the simulated cluster decides what runs when, and the steps of its
 * Jobs are carried out for real. After each run there is a look at what lies in view.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { isFinished } from "../../../operator/api/conditions.ts";
import { type BackupPolicy, type BackupRun, type PolicySpec, policies, runs } from "../../../operator/api/kinds.ts";
import type { Instant } from "../../../operator/domain/instant.ts";
import { schedule, aPolicy, sink } from "../../support/builders.ts";
import { Scenario } from "../../simulator/scenario.ts";
import { Movers } from "./movers.ts";
import type { Shop } from "./shop.ts";

/** A run with a real dump takes seconds. The year has one every hour. */
const everySixthHour = "0 */6 * * *";

type Schedule = NonNullable<PolicySpec["schedules"]>[number];
type Sink = PolicySpec["sinks"][number];

/** The sample of docs/how-to/calendar.md with the defaults of the schema, and what the page says beside it: configuration, Differential. */
function handbook(shop: Shop): BackupPolicy {
  const sample: { readonly spec: PolicySpec } = parse(readFileSync("manifests/samples/policy-calendar.yaml", "utf8"));
  const { spec } = aPolicy().build();
  const [database] = spec.databases ?? [];
  if (database === undefined) throw new Error("the builder's policy has no database");
  const { host, port } = shop.server;
  const volume = { paths: ["."], exclude: [] };
  const { sinks, schedules = [], maxChain, retention } = sample.spec;
  return aPolicy("shop")
    .spec({
      databases: [{ ...database, postgres: { ...database.postgres, host, port } }],
      volumes: [
        { name: "uploads", claimName: "shop-uploads", class: "Data", ...volume },
        { name: "conf", claimName: "shop-conf", class: "Config", ...volume },
      ],
      config: { configMaps: [{ name: "settings" }] },
      maxChain,
      retention: { ...spec.retention, timeZone: retention.timeZone },
      schedules: [
        ...schedules.map(({ name, cron = "", ...rest }: Schedule) =>
          schedule(name, name === "hourly" ? everySixthHour : cron, rest),
        ),
        schedule("noon", "0 14 * * SAT", { type: "Differential", timeZone: "Europe/Berlin", sinks: ["vault"] }),
        {
          name: "settings",
          type: "Config",
          timeZone: "Etc/UTC",
          startingDeadline: "6h",
          sinks: ["vault"],
          onChange: { interval: "4h" },
        },
      ],
    })
    .sinks(
      ...sinks.map(({ name, claim: _claim, retention: own, ...rest }: Sink) => sink(name, { ...rest, ...keep(own) })),
    )
    .build();
}
/** What the sample leaves out is 1 by default. */
const keep = (own: Sink["retention"]): Pick<Sink, "retention"> =>
  own === undefined ? {} : { retention: { ...own, minVerified: own.minVerified ?? 1 } };

export class Week {
  readonly shop: Shop;
  readonly movers: Movers;
  readonly scenario: Scenario;
  /** As they were when they had just finished, oldest first. */
  readonly finished: BackupRun[] = [];
  readonly #fresh: BackupRun[] = [];

  constructor(shop: Shop, from: Instant) {
    this.shop = shop;
    this.movers = new Movers(shop, () => this.scenario.world.now);
    this.scenario = new Scenario({
      policy: handbook(shop),
      script: { carryOut: (tasks, podUID) => this.movers.carryOut(tasks, podUID) },
      processes: [{ restartsAfter: Infinity }],
    });
    this.movers.truth = this.scenario.kubelet.truth;
    // The calendar begins when the controller first sees the policy.
    this.switchOff();
    this.scenario.world.advance(from);
    this.switchOn();
    this.scenario.world.onChange.add(({ resource, before, after }) => {
      if (resource !== runs || after === undefined) return;
      const run = after as BackupRun;
      if (isFinished(run) && (before === undefined || !isFinished(before as BackupRun))) this.#fresh.push(run);
    });
  }
  /** The controller is gone. */
  switchOff(): void {
    for (const process of this.scenario.processes) process.kill();
  }
  switchOn(): void {
    for (const process of this.scenario.processes) process.start();
  }

  /** @param look at each run that has finished, while time stands still */
  async until(moment: Instant, look: (run: BackupRun) => Promise<void>): Promise<void> {
    for (let goesOn = true; goesOn;) {
      goesOn = await this.scenario.move(moment);
      for (const run of this.#fresh.splice(0)) {
        this.finished.push(run);
        await look(run);
      }
    }
    this.scenario.world.advance(moment);
  }

  get policy(): BackupPolicy | undefined {
    return this.scenario.world.find<BackupPolicy>(policies, "shop");
  }
  get runs(): readonly BackupRun[] {
    return this.scenario.world.all<BackupRun>(runs);
  }
}
