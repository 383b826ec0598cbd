"""The network of pods: one namespace each, on a bridge of this one."""

import ipaddress
import subprocess
from pathlib import Path

from tests.helpers.netns import BRIDGE
from tests.kubernetes.cluster import API_SERVICE, SERVICE_RANGE

GATEWAY = "172.17.0.1"
PODS = ipaddress.ip_network("172.17.0.0/16")


class PodNetwork:
    """Gives namespaces with addresses, one after another; those of pods that are gone are not used again."""

    def __init__(self) -> None:
        """Start behind the gateway."""
        self._last = int(ipaddress.ip_address(GATEWAY))

    def add(self, name: str) -> str:
        """Make a namespace, connected and with a default route; gives its address."""
        self._last += 1
        address, port = str(ipaddress.ip_address(self._last)), f"pod{self._last & 0xffff}"
        ip("netns", "add", name)
        ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", port, "master", BRIDGE, "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "address", "add", f"{address}/{PODS.prefixlen}", "dev", "eth0")
        ip("-n", name, "route", "add", "default", "via", GATEWAY)
        return address

    def remove(self, name: str) -> None:
        """Take a namespace away."""
        ip("netns", "delete", name)


def build_bridge() -> None:
    """Make this network namespace the gateway of pods: it routes for them, and nothing routes service addresses but what meshd does."""
    ip("link", "set", "lo", "up")
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("address", "add", f"{GATEWAY}/{PODS.prefixlen}", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    ip("route", "add", "blackhole", SERVICE_RANGE)


def serve_api_service(port: int) -> None:
    """Lead the service `kubernetes` to the API server on the gateway, as kube-proxy does: the one service address that works without a mesh."""
    rules = f"""
table ip services {{
  chain arriving {{
    type nat hook prerouting priority dstnat;
    ip daddr {API_SERVICE} tcp dport 443 dnat to {GATEWAY}:{port}
  }}
}}
"""
    subprocess.run(["nft", "-f", "-"], input=rules, check=True, capture_output=True, text=True)


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
