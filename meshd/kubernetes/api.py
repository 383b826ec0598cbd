"""The resources of Kubernetes' API that meshd reads or writes: one line each."""

from typing import Final
from urllib.parse import quote

import attrs


@attrs.frozen
class Api:
    """
    One kind of resource as the API serves it.

    Attributes:
        group: Its API group; empty for the oldest kinds.
        version: That it is asked for by.
        plural: Its name in paths.
        kind: As documents write it.
        namespaced: Its resources stand in namespaces.
        older: Versions that do as well where a server has no other, best first.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    older: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """Give `group/version`, as documents write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Path of the group's version, which tells what is served of it."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def list_path(self) -> str:
        """Path of all of them, in whatever namespace."""
        return self.path()

    def path(self, namespace: str = "", name: str = "", part: str = "") -> str:
        """Give the path of one of them, of its part such as `status`, or without a name that of a namespace's."""
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        return f"{self.root}{within}/{self.plural}" + "".join(f"/{quote(piece, safe='')}" for piece in (name, part) if piece)

NETWORKING: Final = "networking.istio.io"
SECURITY: Final = "security.istio.io"
GATEWAY: Final = "gateway.networking.k8s.io"
MESHD: Final = "meshd.io"

SERVICES: Final = Api("", "v1", "services", "Service")
ENDPOINTS: Final = Api("", "v1", "endpoints", "Endpoints")
PODS: Final = Api("", "v1", "pods", "Pod")
NAMESPACES: Final = Api("", "v1", "namespaces", "Namespace", namespaced=False)
NODES: Final = Api("", "v1", "nodes", "Node", namespaced=False)
SECRETS: Final = Api("", "v1", "secrets", "Secret")
CONFIG_MAPS: Final = Api("", "v1", "configmaps", "ConfigMap")
LEASES: Final = Api("coordination.k8s.io", "v1", "leases", "Lease")
ENDPOINT_SLICES: Final = Api("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
INGRESSES: Final = Api("networking.k8s.io", "v1", "ingresses", "Ingress")
INGRESS_CLASSES: Final = Api("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False)

VIRTUAL_SERVICES: Final = Api(NETWORKING, "v1", "virtualservices", "VirtualService", older=("v1beta1", "v1alpha3"))
DESTINATION_RULES: Final = Api(NETWORKING, "v1", "destinationrules", "DestinationRule", older=("v1beta1", "v1alpha3"))
GATEWAYS: Final = Api(NETWORKING, "v1", "gateways", "Gateway", older=("v1beta1", "v1alpha3"))
SERVICE_ENTRIES: Final = Api(NETWORKING, "v1", "serviceentries", "ServiceEntry", older=("v1beta1", "v1alpha3"))
WORKLOAD_ENTRIES: Final = Api(NETWORKING, "v1", "workloadentries", "WorkloadEntry", older=("v1beta1", "v1alpha3"))
WORKLOAD_GROUPS: Final = Api(NETWORKING, "v1", "workloadgroups", "WorkloadGroup", older=("v1beta1", "v1alpha3"))
SIDECARS: Final = Api(NETWORKING, "v1", "sidecars", "Sidecar", older=("v1beta1", "v1alpha3"))
PROXY_CONFIGS: Final = Api(NETWORKING, "v1beta1", "proxyconfigs", "ProxyConfig")
PEER_AUTHENTICATIONS: Final = Api(SECURITY, "v1", "peerauthentications", "PeerAuthentication", older=("v1beta1",))
REQUEST_AUTHENTICATIONS: Final = Api(SECURITY, "v1", "requestauthentications", "RequestAuthentication", older=("v1beta1",))
AUTHORIZATION_POLICIES: Final = Api(SECURITY, "v1", "authorizationpolicies", "AuthorizationPolicy", older=("v1beta1",))

GATEWAY_CLASSES: Final = Api(GATEWAY, "v1", "gatewayclasses", "GatewayClass", namespaced=False, older=("v1beta1",))
KUBE_GATEWAYS: Final = Api(GATEWAY, "v1", "gateways", "Gateway", older=("v1beta1",))
HTTP_ROUTES: Final = Api(GATEWAY, "v1", "httproutes", "HTTPRoute", older=("v1beta1",))
GRPC_ROUTES: Final = Api(GATEWAY, "v1", "grpcroutes", "GRPCRoute", older=("v1alpha2",))
TLS_ROUTES: Final = Api(GATEWAY, "v1", "tlsroutes", "TLSRoute", older=("v1alpha3", "v1alpha2"))
TCP_ROUTES: Final = Api(GATEWAY, "v1", "tcproutes", "TCPRoute", older=("v1alpha2",))
REFERENCE_GRANTS: Final = Api(GATEWAY, "v1", "referencegrants", "ReferenceGrant", older=("v1beta1",))

MESHES: Final = Api(MESHD, "v1", "meshes", "Mesh", namespaced=False)
MESHD_NODES: Final = Api(MESHD, "v1", "nodes", "Node", namespaced=False)
RATE_LIMITS: Final = Api(MESHD, "v1", "ratelimits", "RateLimit")

MUTATING_WEBHOOKS: Final = Api(
    "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", namespaced=False,
)

CORE: Final = (SERVICES, ENDPOINTS, PODS, NAMESPACES, NODES, SECRETS, CONFIG_MAPS, LEASES, ENDPOINT_SLICES, INGRESSES, INGRESS_CLASSES)
"""What every server serves."""
OPTIONAL: Final = (
    VIRTUAL_SERVICES, DESTINATION_RULES, GATEWAYS, SERVICE_ENTRIES, WORKLOAD_ENTRIES, WORKLOAD_GROUPS, SIDECARS, PROXY_CONFIGS,
    PEER_AUTHENTICATIONS, REQUEST_AUTHENTICATIONS, AUTHORIZATION_POLICIES,
    GATEWAY_CLASSES, KUBE_GATEWAYS, HTTP_ROUTES, GRPC_ROUTES, TLS_ROUTES, TCP_ROUTES, REFERENCE_GRANTS, MESHES, MESHD_NODES, RATE_LIMITS,
)
"""What a server serves once its CustomResourceDefinition is installed."""
