"""Services by the thousand: each with an address of its own and some endpoints."""

ADDRESSES = 50  # that the first endpoint of a service may have

_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: svc-{number}, namespace: default}}
spec: {{clusterIP: {address}, ports: [{{name: http, port: 8080, targetPort: 8080}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: svc-{number}-1, namespace: default, labels: {{kubernetes.io/service-name: svc-{number}}}}}
endpoints: [{endpoints}]
ports: [{{name: http, port: 8080}}]
"""


def address_of(number: int) -> str:
    """Give a service's own address."""
    high, low = divmod(number, 250)
    return f"10.105.{high}.{low + 1}"


def service(number: int, endpoints: int = 10, replaced: int = 0) -> str:
    """
    Give a service and its EndpointSlice, YAML.

    Args:
        number: From 0; below 60,000.
        endpoints: How many.
        replaced: Of the first endpoint: another number below `ADDRESSES` is another address.
    """
    high, low = divmod(number, 250)
    first = f"10.{200 + replaced % ADDRESSES}.{high}.{low}"
    addresses = [first, *(f"10.{110 + index}.{high}.{low}" for index in range(1, endpoints))]
    listed = ", ".join(f'{{addresses: ["{address}"]}}' for address in addresses)
    return _SERVICE.format(number=number, address=address_of(number), endpoints=listed)
