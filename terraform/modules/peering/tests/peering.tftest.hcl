# No cloud is asked: the provider is mocked.

mock_provider "google" {}

variables {
  name         = "kubernetes-vision"
  network      = "projects/pocket-project/global/networks/default"
  peer_network = "projects/pocket-project/global/networks/kubernetes-vision"
}

run "both_ways" {
  command = plan

  assert {
    condition = (
      google_compute_network_peering.there.network == google_compute_network_peering.back.peer_network &&
      google_compute_network_peering.back.network == google_compute_network_peering.there.peer_network
    )
    error_message = "A peering works once there is one in each network."
  }

  assert {
    condition     = output.names == ["kubernetes-vision-there", "kubernetes-vision-back"]
    error_message = "Both are found by their names."
  }
}
