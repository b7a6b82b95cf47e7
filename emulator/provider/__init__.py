"""An emulated `hashicorp/google` provider: Terraform's plugin protocol in front, the emulator's cloud behind.

Terraform starts it once per command and more, so start-up time is what matters: modules here import little, and late.
"""
