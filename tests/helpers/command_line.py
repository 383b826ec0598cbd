"""meshctl run in this process on files of the test, and the files."""

from pathlib import Path

from click.testing import CliRunner, Result

from meshd.capture.commands import Runner
from meshd.cli.main import main

MESH = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {name: client}
spec: {addresses: ["172.17.0.15"]}
---
apiVersion: meshd.io/v1
kind: Node
metadata: {name: server}
spec: {addresses: ["172.17.0.11"], capture: {backend: nftables, excludeInboundPorts: ["22", "9100"]}}
---
apiVersion: v1
kind: Service
metadata: {name: my-nginx, namespace: default}
spec:
  clusterIP: 10.104.15.140
  ports: [{port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: default}
spec:
  clusterIP: 10.104.15.200
  ports: [{name: http, port: 80}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: my-nginx-1, namespace: default, labels: {kubernetes.io/service-name: my-nginx}}
endpoints:
- {addresses: ["172.17.0.11"]}
- {addresses: ["172.17.0.13"]}
ports: [{port: 80}]
"""

BROKEN = """\
apiVersion: v1
kind: Service
metadata: {name: broken, namespace: default}
spec:
  clusterIP: 10.104.15.9
  ports: [{port: 99999}]
"""

STRANGE = """\
apiVersion: networking.example.com/v1
kind: Unheard
metadata: {name: strange}
"""


def meshctl(*arguments: str, standard_input: str = "", runner: Runner | None = None) -> Result:
    """Run meshctl, with a kernel of the test where one is given; the result has exit_code, stdout and stderr."""
    return CliRunner().invoke(main, list(arguments), input=standard_input, obj=runner, prog_name="meshctl", catch_exceptions=False)


def write_mesh(folder: Path, **more: str) -> str:
    """Write the mesh of these tests and further files (`name=content` becomes `name.yaml`); give the folder's path."""
    for name, content in {"mesh": MESH, **more}.items():
        (folder / f"{name}.yaml").write_text(content)
    return str(folder)
