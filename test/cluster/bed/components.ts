/**
 * Arguments and configuration of everything that runs on the node. All paths are as the node sees them (node-init.sh), so
 * they are the same for every cluster; only the cgroup, which namespaces do not separate here, has the cluster's name.
 */

export const nodeAddress = "172.30.0.2";
export const serviceAddress = "10.96.0.1";
export const provisioner = "handover.dev/bed-volumes";
export const pauseImage = "localhost/pause:1";

const conf = "/run/bed/state/conf";
const pki = `${conf}/pki`;
/** What an API server is told of the keys and certificates that `makePki` has left in a directory. */
export const apiServerKeys = (dir: string): readonly string[] => [
  `--cert-dir=${dir}`,
  `--tls-cert-file=${dir}/apiserver.crt`,
  `--tls-private-key-file=${dir}/apiserver.key`,
  `--client-ca-file=${dir}/ca.crt`,
  "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
  `--service-account-key-file=${dir}/sa.pub`,
  `--service-account-signing-key-file=${dir}/sa.key`,
];
const podNetwork = "10.244.0.0/16";
const apiPort = 6443;

export const containerdSocket = "/run/containerd/containerd.sock";

export function cgroupName(name: string): string {
  return `handover-bed-${name}`;
}

/** Identities that get a kubeconfig inside the node. */
export const nodeIdentities = ["controller-manager", "scheduler", "proxy", "kubelet", "bed"] as const;

export interface Component {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

const kube = (component: string, ...flags: string[]): readonly [string, ...string[]] => [
  "/run/bed/bin/kube",
  component,
  ...flags,
];

/** Needed before the API answers. */
export const storeAndApi: readonly Component[] = [
  {
    name: "etcd",
    argv: kube(
      "etcd",
      "--data-dir=/var/lib/etcd",
      "--listen-client-urls=http://127.0.0.1:2379",
      "--advertise-client-urls=http://127.0.0.1:2379",
      "--listen-peer-urls=http://127.0.0.1:2380",
      "--unsafe-no-fsync", // a test cluster that loses power is made anew
      "--log-level=warn",
    ),
  },
  {
    name: "apiserver",
    argv: kube(
      "kube-apiserver",
      "--etcd-servers=http://127.0.0.1:2379",
      "--service-cluster-ip-range=10.96.0.0/16",
      `--advertise-address=${nodeAddress}`,
      `--secure-port=${apiPort}`,
      ...apiServerKeys(pki),
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--allow-privileged",
      `--kubelet-client-certificate=${pki}/bed.crt`,
      `--kubelet-client-key=${pki}/bed.key`,
      "--kubelet-preferred-address-types=InternalIP", // the node's name is in no DNS
      `--audit-policy-file=${conf}/audit-policy.yaml`,
      "--audit-log-path=/run/bed/state/log/audit.log",
      "--audit-log-maxsize=200",
      "--audit-log-maxbackup=1",
    ),
  },
  { name: "containerd", argv: ["containerd", "--config", `${conf}/containerd.toml`] },
  {
    // The way in from the machine's loopback: a unix socket in the state directory, seen from both sides.
    name: "gate-node",
    argv: [
      "socat",
      "UNIX-LISTEN:/run/bed/state/api.sock,fork,unlink-early,mode=600,backlog=128",
      `TCP:127.0.0.1:${apiPort}`,
    ],
  },
];

/** Started when the API answers: they would spend time on retries otherwise. */
export const controllersAndNode: readonly Component[] = [
  {
    name: "controller-manager",
    argv: kube(
      "kube-controller-manager",
      `--kubeconfig=${conf}/controller-manager.conf`,
      `--service-account-private-key-file=${pki}/sa.key`,
      `--root-ca-file=${pki}/ca.crt`,
      `--cluster-cidr=${podNetwork}`,
      "--use-service-account-credentials",
      "--leader-elect=false",
      "--kube-api-qps=200", // with the default of 20 its controllers take 5 s to begin
      "--kube-api-burst=400",
      "--controllers=*,-nodeipam,-cloud-node-lifecycle",
    ),
  },
  { name: "scheduler", argv: kube("kube-scheduler", `--kubeconfig=${conf}/scheduler.conf`, "--leader-elect=false") },
  {
    name: "kubelet",
    argv: kube(
      "kubelet",
      `--config=${conf}/kubelet.yaml`,
      `--kubeconfig=${conf}/kubelet.conf`,
      "--root-dir=/var/lib/kubelet",
      "--hostname-override=node1",
      `--node-ip=${nodeAddress}`,
    ),
  },
  { name: "proxy", argv: kube("kube-proxy", `--config=${conf}/proxy.yaml`) },
  { name: "coredns", argv: kube("coredns", "-conf", `${conf}/Corefile`) },
  {
    name: "volumes",
    argv: kube(
      "volumes",
      `--kubeconfig=${conf}/bed.conf`,
      `--provisioner=${provisioner}`,
      "--root=/var/lib/volumes",
      "--node=node1",
    ),
  },
];

/** Files of the configuration directory. `snapshotter` is `native` where the state lies on an overlay file system itself. */
export function configFiles(name: string, snapshotter: "overlayfs" | "native"): Readonly<Record<string, string>> {
  return {
    "containerd.toml": `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE (some virtual machines) runc could not lower the score and would end with an obscure error.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${conf}/cni"
`,
    "cni/10-bridge.conflist": json({
      cniVersion: "0.4.0",
      name: "bridge",
      plugins: [
        {
          type: "bridge",
          bridge: "cni0",
          isGateway: true,
          ipMasq: true,
          hairpinMode: true,
          ipam: {
            type: "host-local",
            dataDir: "/var/lib/cni/ipam",
            ranges: [[{ subnet: "10.244.0.0/20" }]],
            routes: [{ dst: "0.0.0.0/0" }],
          },
        },
        { type: "portmap", capabilities: { portMappings: true } },
      ],
    }),
    "kubelet.yaml": json({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      failCgroupV1: false,
      failSwapOn: false,
      oomScoreAdj: 0,
      cgroupDriver: "cgroupfs",
      // Two kubelets under one root would remove each other's pods as orphans.
      cgroupRoot: `/${cgroupName(name)}`,
      containerRuntimeEndpoint: `unix://${containerdSocket}`,
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: false },
        x509: { clientCAFile: `${pki}/ca.crt` },
      },
      authorization: { mode: "AlwaysAllow" },
      tlsCertFile: `${pki}/kubelet.crt`,
      tlsPrivateKeyFile: `${pki}/kubelet.key`,
      clusterDomain: "cluster.local",
      clusterDNS: [nodeAddress],
      resolvConf: `${conf}/resolv.conf`,
      evictionHard: { "memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
      // Images come from archives: one that is collected could not be pulled again.
      imageGCHighThresholdPercent: 100,
      imageGCLowThresholdPercent: 99,
      serializeImagePulls: false,
    }),
    "proxy.yaml": json({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "iptables",
      hostnameOverride: "node1",
      clusterCIDR: podNetwork,
      clientConnection: { kubeconfig: `${conf}/proxy.conf` },
      conntrack: { maxPerCore: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    }),
    Corefile: `.:53 {
  bind ${nodeAddress}
  errors
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${conf}/bed.conf
    pods insecure
  }
  cache 5
}
`,
    "resolv.conf": `nameserver ${nodeAddress}\n`,
    "audit-policy.yaml": auditPolicy,
  };
}

/** What service accounts ask of the API, except those of the cluster's own controllers: counts the operator's requests. */
export const auditPolicy = json({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", userGroups: ["system:serviceaccounts:kube-system"] },
    { level: "Metadata", userGroups: ["system:serviceaccounts"] },
    { level: "None" },
  ],
});

/** `WaitForFirstConsumer`, as the storage of kind and of most clouds. */
export const storageClass = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner,
  reclaimPolicy: "Delete",
  volumeBindingMode: "WaitForFirstConsumer",
} as const;

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
