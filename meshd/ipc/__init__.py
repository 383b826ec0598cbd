"""The AMP commands between control plane and workers, and the memfds they carry."""
