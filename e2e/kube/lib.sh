# shellcheck shell=bash disable=SC2034,SC2119,SC2120
# Sourced by every script here: places, addresses, helpers.
set -euo pipefail
umask 022

kube=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$kube/../.." && pwd)

die() { echo "kube: $*" >&2; exit 1; }
tell() { echo "kube: $*" >&2; }

# What is made once is kept in the cache, in directories named by what they are made from: there already means done, and
# work trees with other versions leave each other alone.
cache=${ANABRANCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anabranch}/kube
key() { sha256sum | cut -c1-12; }
programs=$cache/programs-$(cd "$kube/programs" && cat ./go.* ./*/*.go | key)
node_packages="containerd runc containernetworking-plugins iptables nftables conntrack libnftnl11 libnftables1 libip4tc2
  libip6tc2 libxtables12 libnfnetlink0 libnetfilter-conntrack3 libjansson4 libedit2 libbsd0 libmd0 libmnl0 libseccomp2"
debian=$cache/node-$(key <<<"$node_packages")
buildah_packages="buildah golang-github-containers-image golang-github-containers-common uidmap libsubid4 libgpgme11
  libassuan0 libgpg-error0 libdevmapper1.02.1 libseccomp2"
buildah=$cache/buildah-$(key <<<"$buildah_packages")
# The image of the containers that hold pods' namespaces.
pause=$programs.pause.tar
built() { [ -d "$programs" ] && [ -d "$debian" ] && [ -f "$pause" ]; }

# What belongs to the cluster of this work tree; `state` ends with it.
home=$root/target/kube
state=$home/state
logs=$home/logs
images=$home/images

# Clusters of several work trees run side by side: each takes a number, and with it networks of its own. What is written
# for number 0 is renumbered.
group=anabranch-kube
renumber() { sed -E "s/\b10\.(200|244|96)\.0\./10.\1.$number./g; s/$group-0\b/$group-$number/g" "$@"; }
# The machine's end (`host`) and the node's end (`node`) of the line between them.
address() { cat "$state/$1"; }

# until_ok SECONDS COMMAND...: runs COMMAND until it succeeds, at most SECONDS.
until_ok() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

# only_one: waits until no other script holds the cluster of this work tree; what is started must not inherit 9.
only_one() {
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
}

# The cluster is one process tree below one init, in namespaces of its own. Prints the pid that init has outside.
init_pid() {
  local pid
  pid=$(cat "$state/pid" 2>/dev/null) && grep -qsaF "$kube/init" "/proc/$pid/cmdline" && echo "$pid"
}

# in_node COMMAND...: runs COMMAND in the node's namespaces.
in_node() {
  local pid
  pid=$(init_pid) || die "the cluster is not up: e2e/kube/up"
  nsenter -t "$pid" -m -n -p -- "$@"
}

# Ends the cluster with all that it made. Logs and images stay.
end_cluster() {
  local pid number
  if pid=$(init_pid); then
    kill -KILL "$pid" # the kernel ends the rest of its pid namespace, and the mounts and interfaces with it
    until_ok 10 ended || die "process $pid does not end"
  fi
  if number=$(cat "$state/number" 2>/dev/null); then
    ip link del "kube-$number" 2>/dev/null || true # where it did not come to go with the namespaces
    until_ok 10 leave_cgroups "$group-$number" || tell "cgroups are left: /sys/fs/cgroup/*/$group-$number"
  fi
  rm -rf "$state"
}
ended() { ! init_pid; }
leave_cgroups() { # deepest first; the kernel takes a moment to let go of them
  local hierarchy left=0
  for hierarchy in /sys/fs/cgroup/*/; do
    [ ! -d "$hierarchy$1" ] || find "$hierarchy$1" -depth -type d -exec rmdir {} + 2>/dev/null || left=1
  done
  return $left
}
