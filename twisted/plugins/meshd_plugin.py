"""Tells twistd that there is a service called meshd."""

from twisted.application.service import ServiceMaker

meshd = ServiceMaker("meshd", "meshd.tap.plugin", "A service mesh for virtual machines and bare metal that speaks Istio's API", "meshd")
