locals {
  # Becomes /dev/disk/by-id/google-home, which startup.sh waits for.
  device_name = "home"

  metadata = merge(
    {
      # The keys of this machine's owner only: none of the project, and no OS Login, which would switch these off.
      block-project-ssh-keys = "TRUE"
      enable-oslogin         = "FALSE"
      ssh-keys               = join("\n", [for key in var.ssh_public_keys : "${var.ssh_username}:${key}"])

      # Has to be there at the first boot: the guest agent publishes the host keys that the portal pins.
      enable-guest-attributes = "TRUE"

      # As metadata, which changes in place; the metadata_startup_script argument would replace the machine.
      startup-script = file("${path.module}/startup.sh")
    },
    # Images of today bring the driver. Older ones, such as a snapshot of an earlier machine, ask for it at the first login.
    local.has_gpu ? { install-nvidia-driver = "True" } : {},
  )
}
