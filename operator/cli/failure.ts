/** How a command ends that does not do what was asked: one sentence, the next command, and an exit code that scripts can tell apart. */
import { ApiError } from "../cluster/errors.ts";
import { KubeConfigError } from "../cluster/kubeconfig.ts";

export const exitCodes = {
  fine: 0,
  notSo: 1,
  usage: 2,
  forbidden: 3,
  notFound: 4,
  unreachable: 5,
  interrupted: 130,
} as const;

/** For `--help` and the reference. */
export const exitTexts: readonly (readonly [code: number, text: string])[] = [
  [exitCodes.fine, "done, and as asked"],
  [exitCodes.notSo, "something asked for is not so, or has failed; of now --wait: the run is not Complete"],
  [exitCodes.usage, "the command line is wrong"],
  [exitCodes.forbidden, "your rights in the cluster do not suffice"],
  [exitCodes.notFound, "what was named does not exist"],
  [exitCodes.unreachable, "the cluster cannot be reached, or did not answer properly"],
  [exitCodes.interrupted, "interrupted; a run that was followed goes on"],
];

export class Failure extends Error {
  readonly exitCode: number;
  /** What to type next. */
  readonly next: string | undefined;
  constructor(exitCode: number, message: string, next?: string) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
    this.next = next;
  }
}

export const wrongUsage = (message: string, verb?: string): Failure =>
  new Failure(exitCodes.usage, message, `kubectl handover ${verb === undefined ? "" : `${verb} `}--help`);

const wasMaybeDone = (error: ApiError): string =>
  error.outcome === "unknown" && /^(create|update|patch|delete) /.test(error.message)
    ? ". It is not known whether the change was made: look before you repeat it"
    : "";

function apiFailure(error: ApiError): Failure {
  const message = `${error.message}${wasMaybeDone(error)}`;
  if (error.status === 403)
    return new Failure(
      exitCodes.forbidden,
      message,
      "kubectl auth can-i --list    (ask for the role handover-view or handover-edit)",
    );
  if (error.status === 401)
    return new Failure(
      exitCodes.forbidden,
      `the cluster does not accept your credentials: ${message}`,
      "kubectl auth whoami",
    );
  if (error.status === 404)
    return new Failure(
      exitCodes.notFound,
      `${message} (is Handover installed in this cluster?)`,
      "kubectl api-resources --api-group=backup.handover.dev",
    );
  if (error.status === 0 && error.reason === "Invalid") return new Failure(exitCodes.usage, message);
  if (error.status === 0 || error.status === 429 || error.status >= 500)
    return new Failure(exitCodes.unreachable, message, "kubectl cluster-info");
  return new Failure(exitCodes.notSo, message);
}

/** @returns undefined for a surprise, whose stack is worth seeing */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof ApiError) return apiFailure(error);
  if (error instanceof KubeConfigError)
    return new Failure(exitCodes.unreachable, error.message, "kubectl config get-contexts");
  return undefined;
}

export const renderFailure = ({ message, next }: Failure): string =>
  `error: ${message}\n${next === undefined ? "" : `Next: ${next}\n`}`;
