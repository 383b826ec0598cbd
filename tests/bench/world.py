"""The configuration that the bench measures: a web service and two of bytes, each with one endpoint."""

from tests.bench.hosts import SERVER, SERVER_PORT, SERVICE

BYTES_SERVICE = "10.104.15.141"
ECHO_PORT, SOURCE_PORT = 7000, 7001
"""Of both the service and the server: what gives back what it gets, and what gives bytes for as long as they are taken."""

_WORLD = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: bench}}
spec: {{namespace: default, addresses: ["{address}"], workers: {workers}{node}}}
---
apiVersion: v1
kind: Service
metadata: {{name: my-nginx, namespace: default}}
spec: {{clusterIP: {web}, ports: [{{name: http, port: 80, targetPort: {web_port}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: bytes, namespace: default}}
spec:
  clusterIP: {bytes}
  ports: [{{name: tcp-echo, port: {echo}, targetPort: {echo}}}, {{name: tcp-source, port: {source}, targetPort: {source}}}]
"""
_SLICE = """\
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: {name}, namespace: default, labels: {{kubernetes.io/service-name: {service}}}}}
endpoints: [{endpoints}]
ports: [{ports}]
"""


def bench_world(address: str, server: str = SERVER, workers: int = 1, node: str = "") -> str:
    """
    Give the configuration of one machine, YAML.

    Args:
        address: The machine's own.
        server: Where the services' endpoints are.
        workers: Processes that serve.
        node: Further fields of its Node, as YAML writes them between braces.
    """
    more = f", {node}" if node else ""
    head = _WORLD.format(
        address=address, workers=workers, node=more, web=SERVICE, web_port=SERVER_PORT, bytes=BYTES_SERVICE, echo=ECHO_PORT,
        source=SOURCE_PORT,
    )
    ports = f"{{name: tcp-echo, port: {ECHO_PORT}}}, {{name: tcp-source, port: {SOURCE_PORT}}}"
    return head + web_endpoint("my-nginx-1", server) + _slice("bytes-1", "bytes", server, ports)


def web_endpoint(name: str, server: str) -> str:
    """Give an EndpointSlice of the web service by itself; `server` may be empty for one without endpoints."""
    return _slice(name, "my-nginx", server, f"{{name: http, port: {SERVER_PORT}}}")


def _slice(name: str, service: str, server: str, ports: str) -> str:
    return _SLICE.format(name=name, service=service, endpoints=f'{{addresses: ["{server}"]}}' if server else "", ports=ports)
