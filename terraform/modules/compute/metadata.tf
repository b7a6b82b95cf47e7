locals {
  # Becomes /dev/disk/by-id/google-home, which startup.sh waits for.
  device_name = "home"

  # One script for the machine, in files that one can read: startup.sh comes first, what it calls after it.
  startup_parts = sort(fileset(path.module, "startup*.sh"))

  # A function of that script which writes these files.
  write_agent = concat(
    ["write_agent() {"],
    [for part in sort(fileset(path.module, "agent*.py")) : "cat >${part} <<'END OF FILE'\n${file("${path.module}/${part}")}END OF FILE"],
    ["}"],
  )

  metadata = merge(
    {
      # The keys of this machine's owner only: none of the project, and no OS Login, which would switch these off.
      block-project-ssh-keys = "TRUE"
      enable-oslogin         = "FALSE"
      ssh-keys               = join("\n", [for key in var.ssh_public_keys : "${var.ssh_username}:${key}"])

      # Has to be there at the first boot: the machine says in guest attributes how it is and which host keys it has.
      enable-guest-attributes = "TRUE"

      # By this the startup script knows a disk that is a copy of another stack's.
      stationmaster-stack = var.stack_id

      # As metadata, which changes in place; the metadata_startup_script argument would replace the machine.
      startup-script = join("\n", [for part in local.startup_parts : file("${path.module}/${part}")], local.write_agent, ["main\n"])

      # At a preemption it runs the owner's hook.
      shutdown-script = file("${path.module}/shutdown.sh")
    },
    # Where its agent posts what it measures. Without it, that goes into guest attributes, which the portal reads.
    var.portal_url == null ? {} : { stationmaster-portal = var.portal_url },
    # Whose home folder startup_home.sh keeps on the data disk.
    var.home_on_data_disk ? { stationmaster-home = var.ssh_username } : {},
    # Images of today bring the driver. Older ones, such as a snapshot of an earlier machine, ask for it at the first login.
    local.has_gpu ? { install-nvidia-driver = "True" } : {},
  )
}
