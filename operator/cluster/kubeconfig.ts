/** The kubeconfig of a person, found and merged the way kubectl does it. For the command line; the controller has loadKubeConfig. */
import { KubeConfig } from "@kubernetes/client-node";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

export class KubeConfigError extends Error {}

export interface PersonalAccess {
  readonly config: KubeConfig;
  readonly context: string;
  /** Of the context; `default` when it names none. */
  readonly namespace: string;
}

export interface PersonalOptions {
  /** `--kubeconfig`: this file and no other. */
  readonly path: string | undefined;
  /** `--context`: instead of the current one. */
  readonly context: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

const loadFile = (path: string): KubeConfig => {
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch (error) {
    throw new KubeConfigError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return config;
};

/** Of several files the first that names something wins, as with kubectl; client-node would refuse the second. */
const merge = (parts: readonly KubeConfig[]): KubeConfig => {
  const firstOf = <T extends { readonly name: string }>(all: readonly T[]): T[] =>
    all.filter(({ name }, at) => all.findIndex((other) => other.name === name) === at);
  const merged = new KubeConfig();
  merged.loadFromOptions({
    clusters: firstOf(parts.flatMap((part) => part.clusters)),
    users: firstOf(parts.flatMap((part) => part.users)),
    contexts: firstOf(parts.flatMap((part) => part.contexts)),
    currentContext: parts.map((part) => part.currentContext).find((name) => name) ?? "",
  });
  return merged;
};

const find = ({ path, env }: PersonalOptions): KubeConfig => {
  if (path !== undefined) return loadFile(path);
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  const files = listed.length > 0 ? listed : [join(env["HOME"] ?? homedir(), ".kube", "config")];
  // kubectl skips what is listed and not there.
  const present = files.filter((file) => existsSync(file));
  if (present.length > 0) return merge(present.map(loadFile));
  if (listed.length === 0 && existsSync(serviceAccountToken)) {
    const config = new KubeConfig();
    config.loadFromCluster();
    return config;
  }
  throw new KubeConfigError(`there is no kubeconfig: ${files.join(", ")} does not exist`);
};

/** @throws KubeConfigError in words for the person whose file it is */
export const loadPersonalKubeConfig = (options: PersonalOptions): PersonalAccess => {
  const config = find(options);
  const context = options.context ?? config.currentContext;
  if (context === "" || context === undefined) throw new KubeConfigError("the kubeconfig has no current context");
  const found = config.getContextObject(context);
  if (found === null) {
    const names = config.contexts.map(({ name }) => name).join(", ");
    throw new KubeConfigError(`the kubeconfig has no context ${context}; it has: ${names === "" ? "none" : names}`);
  }
  config.setCurrentContext(context);
  return { config, context, namespace: found.namespace ?? "default" };
};
