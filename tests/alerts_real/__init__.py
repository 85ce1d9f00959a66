"""The real Prometheus and Alertmanager on the running system, its faults made for real."""
