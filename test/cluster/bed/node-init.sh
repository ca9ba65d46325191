#!/bin/sh
# First process of a test node, in mount, network, process and host name namespaces of its own (see node.ts).
# usage: node-init.sh STATE BIN ADDRESS
# Everything that Kubernetes and containerd keep at fixed places lands in STATE or in memory, so that nodes on one machine
# cannot meet and nothing stays: when this process ends, the kernel ends all others and drops every mount and interface.
set -eu
state=$1 bin=$2 address=$3
umask 022

mount -t tmpfs -o mode=755 bed /run
mkdir -p /run/bed/state /run/bed/bin
mount --bind "$state" /run/bed/state
mount --bind "$bin" /run/bed/bin
for dir in /var/lib /var/log; do mount -t tmpfs -o mode=755 bed "$dir"; done
mount -t tmpfs -o mode=1777 bed /tmp
for dir in kubelet containerd etcd cni volumes; do
  mkdir -p "/run/bed/state/lib/$dir" "/var/lib/$dir"
  mount --bind "/run/bed/state/lib/$dir" "/var/lib/$dir"
done
mkdir -p /run/bed/state/pods /var/log/pods
mount --bind /run/bed/state/pods /var/log/pods
mount --make-rshared / # for volumes with mount propagation; the peers are only inside this namespace
hostname node1

# A bridge without ports carries the node's address (some kernels have no dummy device). The default route points into it:
# services need one to exist, and nothing can leave.
ip link set lo up
ip link add node0 type bridge
ip addr add "$address/24" dev node0
ip link set node0 up
ip route add default dev node0
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables

touch /run/bed/state/node-up
exec /run/bed/bin/pause
