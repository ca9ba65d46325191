/**
 * The controller's configuration from environment variables, read once and frozen. All mistakes are reported together,
 * each with the variable and what would be right. Must not touch the file system or the cluster.
 */
import { logLevels, type LogLevel } from "./log.ts";

export interface Config {
  /** Where the controller runs: home of its leader lease. */
  readonly namespace: string;
  readonly podName: string;
  /** Of the controller's pod: a process that starts again in it need not wait for the lease of the one before. */
  readonly podUID: string | undefined;
  /** Image of mover and guard pods, by the chart the same as the controller's. */
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecrets: readonly string[];
  /** The one namespace whose objects are looked after; undefined: all. */
  readonly watchNamespace: string | undefined;
  /** Passes at a time. */
  readonly workers: number;
  readonly http: { readonly host: string; readonly port: number };
  readonly leaderElection: boolean;
  readonly leaseName: string;
  /** The controller's own Deployment, for `give-back` to stop. */
  readonly deployment: string | undefined;
  readonly logLevel: LogLevel;
  /** File with the way to the cluster; undefined: the pod's service account. */
  readonly kubeconfig: string | undefined;
  /** Set, but meaning nothing: most likely misspelt. To be logged, not refused, as a newer chart may know more. */
  readonly unknownVariables: readonly string[];
}

export type ConfigResult = { readonly config: Config } | { readonly mistakes: readonly string[] };

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** What the kubelet adds for a Service called `handover…`: `HANDOVER_SERVICE_HOST`, `HANDOVER_PORT_8080_TCP`. */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/;

export const readConfig = (env: Readonly<Record<string, string | undefined>>): ConfigResult => {
  const mistakes: string[] = [];
  const known = new Set<string>();

  const read = <T>(name: string, fallback: T, parse: (value: string) => T | undefined, expected: string): T => {
    known.add(name);
    // An empty variable is how templates say "not set".
    const value = env[name]?.trim() || undefined;
    if (value === undefined) return fallback;
    const parsed = parse(value);
    if (parsed === undefined) mistakes.push(`${name} is "${value}"; expected ${expected}`);
    return parsed ?? fallback;
  };
  const need = (name: string, parse: (value: string) => string | undefined, expected: string): string => {
    const value = read(name, "", parse, expected);
    if (!env[name]?.trim()) mistakes.push(`${name} is not set; expected ${expected}`);
    return value;
  };

  const config: Omit<Config, "unknownVariables"> = {
    namespace: need("HANDOVER_NAMESPACE", matching(dnsLabel), "the namespace of the controller"),
    podName: read(
      "HANDOVER_POD_NAME",
      env["HOSTNAME"] || "handover",
      matching(/./),
      "the name of the controller's pod",
    ),
    podUID: read("HANDOVER_POD_UID", undefined, matching(/./), "the uid of the controller's pod"),
    image: need("HANDOVER_IMAGE", matching(/^\S+$/), "the image for mover pods"),
    imagePullPolicy: read(
      "HANDOVER_IMAGE_PULL_POLICY",
      "IfNotPresent",
      matching(/^(Always|IfNotPresent|Never)$/),
      "Always, IfNotPresent or Never",
    ),
    imagePullSecrets: read("HANDOVER_IMAGE_PULL_SECRETS", [], list, "names of Secrets, separated by commas"),
    watchNamespace: read("HANDOVER_WATCH_NAMESPACE", undefined, matching(dnsLabel), "a namespace, or nothing for all"),
    workers: read("HANDOVER_WORKERS", 4, integer(1, 64), "a whole number from 1 to 64"),
    http: read(
      "HANDOVER_HTTP_BIND",
      everywhere,
      address,
      'an address and a port such as "0.0.0.0:8080" or "[::]:8080"',
    ),
    leaderElection: read("HANDOVER_LEADER_ELECTION", true, truth, '"true" or "false"'),
    deployment: read("HANDOVER_DEPLOYMENT", undefined, matching(dnsLabel), "the name of a Deployment"),
    leaseName: read("HANDOVER_LEASE_NAME", "handover-controller", matching(dnsLabel), "the name of a Lease"),
    logLevel: read("HANDOVER_LOG_LEVEL", "info", level, `one of ${logLevels.join(", ")}`),
    kubeconfig: read("KUBECONFIG", undefined, matching(/^[^:]+$/), "the path of one kubeconfig file"),
  };
  if (mistakes.length > 0) return { mistakes };
  const unknownVariables = Object.keys(env).filter(
    (name) => name.startsWith("HANDOVER_") && !known.has(name) && !serviceLink.test(name),
  );
  return {
    config: Object.freeze({
      ...config,
      http: Object.freeze({ ...config.http }),
      unknownVariables: Object.freeze(unknownVariables.toSorted()),
    }),
  };
};

const everywhere = { host: "0.0.0.0", port: 8080 };

const matching =
  (pattern: RegExp) =>
  (value: string): string | undefined =>
    pattern.test(value) ? value : undefined;

const integer =
  (least: number, most: number) =>
  (value: string): number | undefined =>
    /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most ? Number(value) : undefined;

const list = (value: string): readonly string[] => value.split(",").map((name) => name.trim());

const truth = (value: string): boolean | undefined => (value === "true" ? true : value === "false" ? false : undefined);

const level = (value: string): LogLevel | undefined => logLevels.find((known) => known === value);

const address = (value: string): { readonly host: string; readonly port: number } | undefined => {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/i.exec(value);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) return undefined;
  return { host: parts[1] ?? (parts[2] || "0.0.0.0"), port };
};
