resource "google_compute_network_peering" "there" {
  name         = "${var.name}-there"
  network      = var.network
  peer_network = var.peer_network
}

# Google works on one peering of a network at a time, so the way back waits for the way there.
resource "google_compute_network_peering" "back" {
  name         = "${var.name}-back"
  network      = var.peer_network
  peer_network = var.network

  depends_on = [google_compute_network_peering.there]
}
