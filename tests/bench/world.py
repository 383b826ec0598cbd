"""The configuration that the bench measures: one service with one endpoint."""

WORLD = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {{name: bench}}
spec: {{namespace: default, addresses: ["{address}"], workers: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: my-nginx, namespace: default}}
spec: {{clusterIP: {service}, ports: [{{name: http, port: 80, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: my-nginx-1, namespace: default, labels: {{kubernetes.io/service-name: my-nginx}}}}
endpoints: [{{addresses: ["{server}"]}}]
ports: [{{name: http, port: {port}}}]
"""
"""For `format`: the client machine's `address`, the `service` address, and the `server` and `port` behind it."""
