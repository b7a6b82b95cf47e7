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

# A disk, as /dev/sdX; what is in it and on it stands in /dev/.disks/sdX (see programs/disk.sh). Arguments: its number, its
# device, and the name by which it was attached.
attach() {
  : >"/dev/$2" &&
    mount --no-canonicalize --bind "./$1/device" "/dev/$2" &&
    mkdir -p "/dev/.disks/$2" &&
    mount --no-canonicalize --bind "./$1" "/dev/.disks/$2" &&
    ln -s "../../$2" "/dev/disk/by-id/google-$3"
}

# Pulled out: of the data disk, what is mounted from it is gone, whoever uses it. The machine unmounts others when it sees that.
detach() {
  if [ "$2" = home ]; then
    umount --recursive --lazy /home/jupyter 2>/dev/null || true
    umount --lazy /home/[a-z]* 2>/dev/null || true
    : >/home/.machine/mounts
    rmdir /home/jupyter 2>/dev/null || true
  fi
  rm "/dev/disk/by-id/google-$2" && umount --lazy "/dev/.disks/$1" "/dev/$1" && rmdir "/dev/.disks/$1" && rm "/dev/$1"
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

while read -r order first second third; do
  case $order in
    attach) attach "$first" "$second" "$third" && echo done || echo failed ;;
    detach) detach "$first" "$second" && echo done || echo failed ;;
  esac
done
