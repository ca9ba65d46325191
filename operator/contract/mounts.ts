/** Where a mover pod finds things. The Job builder mounts by these constants, the mover reads by them. */

/** Root of the claim of the source store. */
export const storeRoot = "/store";
/** Root of the claim of a sink. */
export const sinkRoot = (sink: string): string => `/sinks/${sink}`;
/** Root of a volume of the app; read-only in a backup, writable in a restore. Short, so that paths of 4,000 bytes fit. */
export const volumeRoot = (volume: string): string => `/v/${volume}`;
/** Directory with the keys of the Secret of a database: username, password and perhaps ca.crt. */
export const secretRoot = (database: string): string => `/secrets/${database}`;
/** Directory with the keys of a ConfigMap, or with those of a Secret that a policy names under its configuration. */
export const configRoot = (kind: "ConfigMap" | "Secret", name: string): string =>
  `/config/${kind.toLowerCase()}/${name}`;
/** Shared by the containers of one pod: a file `<part>.released` appears when that part needs the stopped app no more. */
export const signalRoot = "/signal";
/** Scratch space, the only writable place of the image. */
export const scratchRoot = "/tmp";
/** Environment variable with the JSON of the task. */
export const taskVariable = "HANDOVER_TASK";
/** Environment variable with the uid of the pod, part of the name of its staging directory. */
export const podUidVariable = "HANDOVER_POD_UID";
/** The file whose content Kubernetes reports as the message of the ended container. */
export const terminationLog = "/dev/termination-log";
/** Kubernetes cuts that message at this many bytes. */
export const maxResultBytes = 4096;
