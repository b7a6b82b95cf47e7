# The first process of a machine, in namespaces of its own: makes its mounts, then waits for orders.
# Everything else in the machine ends with it, and it ends with the pipe it reads from.
# Arguments: folder of all disks, number of the boot disk, name of the machine.
set -eu
disks=$1 boot=$2 name=$3

# Disks are reached from here by relative paths: the mounts below may hide the folder they are in.
cd "$disks"
# Where /proc is partly masked (in containers) the kernel refuses a fresh one: `ps` then shows too much, all else works.
mount -t proc proc /proc 2>/dev/null || true
mount --no-canonicalize --bind "./$boot/passwd" /etc/passwd
mount --no-canonicalize --bind "./$boot/home" /home
mount --no-canonicalize --bind "./$boot/tmp" /tmp
hostname "$name"
echo ready

while read -r order number; do
  case $order in
    attach)
      mkdir -p /home/jupyter &&
        mount --no-canonicalize --bind "./$number/files" /home/jupyter && echo done || echo failed ;;
    detach)
      umount --lazy /home/jupyter && rmdir /home/jupyter && echo done || echo failed ;;
  esac
done
