/** Keys and certificates of one cluster, made by openssl. Elliptic curves: milliseconds instead of seconds. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeAddress, serviceAddress } from "./components.ts";
import { must } from "./processes.ts";

interface Identity {
  readonly name: string;
  readonly subject: string;
  readonly altNames?: string;
}

const apiNames = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

const identities: readonly Identity[] = [
  {
    name: "apiserver",
    subject: "/CN=kube-apiserver",
    altNames: [
      ...[...apiNames, "localhost"].map((name) => `DNS:${name}`),
      ...[serviceAddress, "127.0.0.1", nodeAddress].map((ip) => `IP:${ip}`),
    ].join(","),
  },
  { name: "kubelet", subject: "/O=system:nodes/CN=system:node:node1", altNames: `DNS:node1,IP:${nodeAddress}` },
  { name: "admin", subject: "/O=system:masters/CN=admin" },
  { name: "bed", subject: "/O=system:masters/CN=handover-bed" },
  { name: "controller-manager", subject: "/CN=system:kube-controller-manager" },
  { name: "scheduler", subject: "/CN=system:kube-scheduler" },
  { name: "proxy", subject: "/CN=system:kube-proxy" },
];

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export async function makePki(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const options = { cwd: dir };
  const ca = ["-x509", "-days", "3650", "-subj", "/CN=handover-bed", "-keyout", "ca.key", "-out", "ca.crt"];
  await must("openssl", ["req", ...curve, ...ca], options);
  await must("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key"], options);
  await must("openssl", ["ec", "-in", "sa.key", "-pubout", "-out", "sa.pub"], options);
  let serial = 1;
  for (const { name, subject, altNames } of identities) {
    const usage = "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n";
    writeFileSync(join(dir, `${name}.ext`), usage + (altNames === undefined ? "" : `subjectAltName=${altNames}\n`));
    const request = ["-subj", subject, "-keyout", `${name}.key`, "-out", `${name}.csr`];
    await must("openssl", ["req", "-new", ...curve, ...request], options);
    serial += 1;
    const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", String(serial), "-days", "3650"];
    const files = ["-in", `${name}.csr`, "-extfile", `${name}.ext`, "-out", `${name}.crt`];
    await must("openssl", ["x509", "-req", ...files, ...sign], options);
    for (const ending of ["csr", "ext"]) rmSync(join(dir, `${name}.${ending}`));
  }
}

/** A kubeconfig with everything inside, for one of the identities. JSON is YAML. */
export function kubeconfig(pki: string, identity: string, server: string, context: string): string {
  const data = (file: string): string => readFileSync(join(pki, file)).toString("base64");
  const user = { "client-certificate-data": data(`${identity}.crt`), "client-key-data": data(`${identity}.key`) };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    clusters: [{ name: context, cluster: { server, "certificate-authority-data": data("ca.crt") } }],
    users: [{ name: context, user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
