# States made before the firewall rules came from a map are taken over as they are.

moved {
  from = google_compute_firewall.allow_ssh
  to   = google_compute_firewall.ingress["allow-ssh"]
}

moved {
  from = google_compute_firewall.allow_ssh_v6[0]
  to   = google_compute_firewall.ingress["allow-ssh-v6"]
}

moved {
  from = google_compute_firewall.mlflow_access[0]
  to   = google_compute_firewall.ingress["mlflow-access"]
}

moved {
  from = google_compute_firewall.mlflow_access_v6[0]
  to   = google_compute_firewall.ingress["mlflow-access-v6"]
}
