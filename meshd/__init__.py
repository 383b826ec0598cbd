"""meshd: a service mesh for virtual machines and bare metal that speaks Istio's API."""

__version__ = "0.1.0"
