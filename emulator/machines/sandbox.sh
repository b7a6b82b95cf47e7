# The first process of a machine, in namespaces of its own: makes its mounts, then reads commands.
# Everything else in the machine ends with it, and it ends with the pipe it reads from.
# Arguments: folder of all disks, number of the boot disk, name of the machine.
set -eu
disks=$1 boot=$2 name=$3

# A /dev of its own, for its disks to be in: this computer's is not ours to add to.
make_devices() {
  local dev=./$boot/dev node
  mkdir -p "$dev"
  mount -t tmpfs -o mode=755 dev "$dev"
  for node in full null random tty urandom zero; do
    [ ! -e "/dev/$node" ] || { : >"$dev/$node" && mount --bind "/dev/$node" "$dev/$node"; }
  done
  mkdir -p "$dev/pts" "$dev/disk/by-id" "$dev/.disks"
  mkdir -m 1777 "$dev/shm"
  # Terminals of its own: those of this computer cannot be opened from here.
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$dev/pts"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"
  ln -s fd/0 "$dev/stdin" && ln -s fd/1 "$dev/stdout" && ln -s fd/2 "$dev/stderr"
  : >"$dev/sda"
  mount --move "$dev" /dev
}

# The data disk, as /dev/sdb; what is in it and on it stands in /dev/.disks/sdb (see programs/disk.sh).
attach() {
  : >/dev/sdb &&
    mount --no-canonicalize --bind "./$1/device" /dev/sdb &&
    mkdir -p /dev/.disks/sdb &&
    mount --no-canonicalize --bind "./$1" /dev/.disks/sdb &&
    ln -s ../../sdb /dev/disk/by-id/google-home
}

# Pulled out: what is mounted from it is gone, whoever uses it.
detach() {
  umount --lazy /home/jupyter 2>/dev/null || true
  : >/home/.machine/mounts
  rmdir /home/jupyter 2>/dev/null || true
  rm /dev/disk/by-id/google-home && umount --lazy /dev/.disks/sdb /dev/sdb && rm /dev/sdb
}

# Disks are reached from here by relative paths: the mounts below may hide the folder they are in.
cd "$disks"
make_devices
# Where /proc is partly masked (in containers) the kernel refuses a fresh one: `ps` then shows too much, all else works.
mount -t proc proc /proc 2>/dev/null || true
mount --no-canonicalize --bind "./$boot/passwd" /etc/passwd
[ ! -e /etc/profile ] || mount --no-canonicalize --bind "./$boot/profile" /etc/profile
mount --no-canonicalize --bind "./$boot/home" /home
mount --no-canonicalize --bind "./$boot/tmp" /tmp
hostname "$name"
echo ready

while read -r order number; do
  case $order in
    attach) attach "$number" && echo done || echo failed ;;
    detach) detach && echo done || echo failed ;;
  esac
done
