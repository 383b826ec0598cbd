"""Tells twistd that there are services called meshd and meshd-webhook."""

from twisted.application.service import ServiceMaker

meshd = ServiceMaker("meshd", "meshd.tap.plugin", "A service mesh for virtual machines and bare metal that speaks Istio's API", "meshd")
webhook = ServiceMaker("meshd-webhook", "meshd.tap.webhook_plugin", "Puts meshd's sidecars into pods of Kubernetes", "meshd-webhook")
