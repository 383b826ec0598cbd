"""The kinds of messages that analysis gives: Istio's codes, names, severities and words, and meshd's own."""

from collections.abc import Iterable, Mapping

import attrs

from meshd.base.errors import Problem, Severity
from meshd.base.origins import Origin
from meshd.model.paths import LineOf, Path, format_path

MOST_NAMED = 10
"""Names in one message; with thousands of resources that share a host, naming all in each would be quadratic."""


@attrs.frozen
class Message:
    """
    One kind of message.

    Attributes:
        code: `IST...` is Istio's, `MESHD...` our own.
        name: Its name in Istio's documentation.
        severity: As Istio has it.
        template: Text, with `{}` for each argument.
        hint: What to do.

    Source:
        Istio pkg/config/analysis/msg/messages.yaml.
    """

    code: str
    name: str
    severity: Severity
    template: str
    hint: str = ""


@attrs.frozen
class Finding:
    """
    One message about one resource.

    Attributes:
        origin: The resource.
        message: Its kind.
        text: The template, filled.
        path: Of the field; empty for the whole.
        hint: What to do.
    """

    origin: Origin
    message: Message
    text: str
    path: Path = ()
    hint: str = ""

    def to_problem(self, line_of: LineOf) -> Problem:
        """Give it as a Problem, with the line of its field."""
        line = line_of(self.path) if self.path else 0
        return Problem(self.origin, self.text, format_path(self.path), self.hint, self.message.severity, line, self.message.code)


def finding(origin: Origin, message: Message, *arguments: object, path: Path = (), hint: str = "") -> Finding:
    """Fill a message; `hint` stands in the place of the one that the kind has."""
    return Finding(origin, message, message.template.format(*arguments), path, hint or message.hint)


def quoted(text: str) -> str:
    """Give a text in double quotes, as Istio's `%q` does."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(values: Iterable[object], separator: str = " ") -> str:
    """Give a list as Istio's `%v` does, `[a b]`; a long one is cut, with its length."""
    return f"[{named(values, separator)}]"


def named(values: Iterable[object], separator: str = ",", total: int = 0) -> str:
    """Give names on one line; a long list is cut, with its length, which is `total` where not all are given."""
    texts = [str(value) for value in values]
    total = total or len(texts)
    if total <= MOST_NAMED:
        return separator.join(texts)
    return separator.join(texts[:MOST_NAMED]) + f"{separator}... ({total} in all)"


def labels_text(labels: Mapping[str, str]) -> str:
    """Give a selector as Kubernetes writes it: `a=b,c=d`, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


DEPRECATED = Message("IST0002", "Deprecated", "warning", "Deprecated: {}")
REFERENCE_NOT_FOUND = Message("IST0101", "ReferencedResourceNotFound", "error", "Referenced {} not found: {}")
SCHEMA_ERROR = Message("IST0106", "SchemaValidationError", "error", "Schema validation error: {}")
MISPLACED_ANNOTATION = Message(
    "IST0107", "MisplacedAnnotation", "warning", "Misplaced annotation: {} can only be applied to {}", "move it there, or remove it",
)
UNKNOWN_ANNOTATION = Message("IST0108", "UnknownAnnotation", "warning", "Unknown annotation: {}", "correct or remove it")
CONFLICTING_HOSTS = Message(
    "IST0109", "ConflictingMeshGatewayVirtualServiceHosts", "error",
    "The VirtualServices {} associated with mesh gateway define the same host {} which can lead to undefined behavior. "
    "This can be fixed by merging the conflicting VirtualServices into a single resource.",
    "put their rules into one of them; the oldest, then the first by name, counts",
)
CONFLICTING_SIDECARS = Message(
    "IST0110", "ConflictingSidecarWorkloadSelectors", "error",
    "The Sidecars {} in namespace {} select the same workload pod {}, which can lead to undefined behavior.",
    "narrow the selectors; the oldest, then the first by name, counts",
)
SIDECARS_WITHOUT_SELECTOR = Message(
    "IST0111", "MultipleSidecarsWithoutWorkloadSelectors", "error",
    "The Sidecars {} in namespace {} have no workload selector, which can lead to undefined behavior.",
    "leave one of them without a selector; the oldest, then the first by name, counts",
)
PORT_REQUIRED = Message(
    "IST0112", "VirtualServiceDestinationPortSelectorRequired", "error",
    "This VirtualService routes to a service {} that exposes multiple ports {}. Specifying a port in the destination is required to disambiguate.",
    "add port.number to the destination",
)
SEVERAL_PROTOCOLS = Message(
    "IST0116", "DeploymentAssociatedToMultipleServices", "warning",
    "This deployment {} is associated with multiple services using port {} but different protocols: {}", "give one of the services another port",
)
PORT_NAME = Message(
    "IST0118", "PortNameIsNotUnderNamingConvention", "info",
    "Port name {} (port: {}, targetPort: {}) doesn't follow the naming convention of Istio port.",
    "name it PROTOCOL or PROTOCOL-anything, such as http-web, or set appProtocol; until then the first bytes tell",
)
INVALID_REGEX = Message("IST0122", "InvalidRegexp", "warning", "Field {} regular expression invalid: {}")
NO_WORKLOADS = Message(
    "IST0127", "NoMatchingWorkloadsFound", "warning", "No matching workloads for this resource with the following labels: {}",
    "correct the selector, or add workloads with these labels",
)
NO_CHECK_OF_SERVER = Message(
    "IST0128", "NoServerCertificateVerificationDestinationLevel", "warning",
    "DestinationRule {} in namespace {} has TLS mode set to {} but no caCertificates are set to validate server identity for host: {}",
    "set caCertificates to the file of the authorities that the server's certificate is of",
)
NO_CHECK_OF_SERVER_AT_PORT = Message(
    "IST0129", "NoServerCertificateVerificationPortLevel", "warning",
    "DestinationRule {} in namespace {} has TLS mode set to {} but no caCertificates are set to validate server identity for host: {} at port {}",
    "set caCertificates to the file of the authorities that the server's certificate is of",
)
UNREACHABLE_RULE = Message(
    "IST0130", "VirtualServiceUnreachableRule", "warning", "VirtualService rule {} not used ({}).", "move it up, or remove it",
)
INEFFECTIVE_MATCH = Message(
    "IST0131", "VirtualServiceIneffectiveMatch", "info", "VirtualService rule {} match {} is not used (duplicate/overlapping match in rule {}).",
    "move the more specific match up, or remove it",
)
HOST_NOT_IN_GATEWAY = Message(
    "IST0132", "VirtualServiceHostNotFoundInGateway", "warning", "one or more host {} defined in VirtualService {} not found in Gateway {}.",
    "add the host to a server of the Gateway, or remove the Gateway here",
)
SCHEMA_WARNING = Message("IST0133", "SchemaWarning", "warning", "Schema validation warning: {}")
ADDRESSES_REQUIRED = Message(
    "IST0134", "ServiceEntryAddressesRequired", "warning", "ServiceEntry addresses are required for this protocol.",
    "set addresses; without one, connections on the port cannot be told from those to other services",
)
DEPRECATED_ANNOTATION = Message(
    "IST0135", "DeprecatedAnnotation", "info", "Annotation {} has been deprecated{} and may not work in future Istio versions.", "remove it",
)
ALPHA_ANNOTATION = Message(
    "IST0136", "AlphaAnnotation", "info", "Annotation {} is part of an alpha-phase feature and may be incompletely supported.",
    "look at what meshd does of it",
)
CONFLICTING_PORTS = Message(
    "IST0137", "DeploymentConflictingPorts", "warning",
    "This deployment {} is associated with multiple services {} using targetPort {} but different ports: {}.", "use one port in all of them",
)
DUPLICATE_CERTIFICATE = Message(
    "IST0138", "GatewayDuplicateCertificate", "warning",
    "Duplicate certificate in multiple gateways {} may cause 404s if clients re-use HTTP2 connections.",
    "put the hosts of one certificate into one Gateway",
)
SUBSET_WITHOUT_EFFECT = Message(
    "IST0140", "IngressRouteRulesNotAffected", "warning", "Subset in virtual service {} has no effect on ingress gateway {} requests",
    "name the subset here, too",
)
APPLICATION_AS_PROXY = Message(
    "IST0144", "InvalidApplicationUID", "warning", "User ID (UID) 1337 is reserved for the sidecar proxy.", "run the application as another user",
)
CONFLICTING_GATEWAYS = Message(
    "IST0145", "ConflictingGateways", "error", "Conflict with gateways {} (workload selector {}, port {}, hosts {}).",
    "give each host of a port to one Gateway; the oldest, then the first by name, counts",
)
UNCHECKED_CLAIMS = Message(
    "IST0149", "JwtClaimBasedRoutingWithoutRequestAuthN", "error",
    "The virtual service uses the JWT claim based routing (key: {}) but found no request authentication for the gateway ({}) pod ({}). The request "
    "authentication must first be applied for the gateway pods to validate the JWT token and make the claims available for routing.",
    "add a RequestAuthentication for the gateway",
)
EXTERNAL_NAME_PORT = Message(
    "IST0150", "ExternalNameServiceTypeInvalidPortName", "warning",
    "Port name for ExternalName service is invalid. Proxy may prevent tcp named ports and unmatched traffic for ports serving TCP protocol "
    "from being forwarded correctly", "name it by its protocol, such as https",
)
RELATIVE_PATCH = Message(
    "IST0151", "EnvoyFilterUsesRelativeOperation", "warning",
    "This EnvoyFilter does not have a priority and has a relative patch operation set which can cause the EnvoyFilter not to be applied. "
    "Using the INSERT_FIRST of ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.", "set a priority",
)
REPLACE_MISPLACED = Message(
    "IST0152", "EnvoyFilterUsesReplaceOperationIncorrectly", "error", "The REPLACE operation is only valid for HTTP_FILTER and NETWORK_FILTER.",
    "use MERGE",
)
ADD_IGNORED = Message(
    "IST0153", "EnvoyFilterUsesAddOperationIncorrectly", "error",
    "The ADD operation will be ignored when applyTo is set to ROUTE_CONFIGURATION, or HTTP_ROUTE.", "use MERGE, or INSERT_FIRST of a route",
)
REMOVE_IGNORED = Message(
    "IST0154", "EnvoyFilterUsesRemoveOperationIncorrectly", "error",
    "The REMOVE operation will be ignored when applyTo is set to ROUTE_CONFIGURATION, or HTTP_ROUTE.", "leave the patch out",
)
RELATIVE_PATCH_OF_VERSION = Message(
    "IST0155", "EnvoyFilterUsesRelativeOperationWithProxyVersion", "warning",
    "This EnvoyFilter does not have a priority and has a relative patch operation (NSTERT_BEFORE/AFTER, REPLACE, MERGE, DELETE) and proxyVersion "
    "set which can cause the EnvoyFilter not to be applied during an upgrade. Using the INSERT_FIRST or ADD option or setting the priority may help "
    "in ensuring the EnvoyFilter is applied correctly.", "set a priority",
)
NO_PROVIDERS = Message(
    "IST0157", "InvalidTelemetryProvider", "warning", "The Telemetry {} in namespace {} with empty providers will be ignored.", "name a provider",
)
CONFLICTING_TELEMETRIES = Message(
    "IST0159", "ConflictingTelemetryWorkloadSelectors", "error",
    "The Telemetries {} in namespace {} select the same workload pod {}, which can lead to undefined behavior.", "narrow the selectors",
)
TELEMETRIES_WITHOUT_SELECTOR = Message(
    "IST0160", "MultipleTelemetriesWithoutWorkloadSelectors", "error",
    "The Telemetries {} in namespace {} have no workload selector, which can lead to undefined behavior.", "leave one of them without a selector",
)
GATEWAY_PORT = Message(
    "IST0162", "GatewayPortNotDefinedOnService", "warning",
    "The gateway is listening on a target port (port {}) that is not defined in the Service associated with its workload instances "
    "(Pod selector {}). If you need to access the gateway port through the gateway Service, it will not be available.",
    "add the port to the Service",
)
INTERNAL_GATEWAY = Message(
    "IST0165", "ReferencedInternalGateway", "warning",
    "Gateway reference in VirtualService {} is to an implementation-generated internal Gateway: {}.", "name the Kubernetes Gateway, by an HTTPRoute",
)
EMPTY_SUBSET = Message(
    "IST0173", "DestinationRuleSubsetNotSelectPods", "error",
    "The Subset {} defined in the DestinationRule does not select any pods. Which may lead to 503 UH (NoHealthyUpstream).",
    "label the endpoints, or correct the subset's labels",
)
UNKNOWN_RULE_HOST = Message(
    "IST0174", "UnknownDestinationRuleHost", "warning", "The host {} defined in the DestinationRule does not match any services in the mesh.",
    "correct the host, or add its Service or ServiceEntry",
)
CONFLICTING_ENTRIES = Message(
    "IST0177", "ConflictingServiceEntryProtocol", "warning",
    "Multiple ServiceEntries ({}) define the same host {} and port {} with conflicting protocols ({}).", "use one protocol in all of them",
)
IDLE_GATEWAY = Message(
    "MESHD001", "GatewayOnNoEdgeProxy", "warning", "No edge proxy opens the ports of this Gateway: its selector {} chooses {}",
    "set gateway: true and these labels in the spec of a Node",
)
NO_ENDPOINTS = Message(
    "MESHD002", "DestinationWithoutEndpoints", "warning", "The destination {} has no endpoint that is ready: requests will be answered 503 UH",
    "add endpoints, or take the destination out of the route",
)
SHADOWED_MATCH = Message(
    "MESHD003", "VirtualServiceShadowedMatch", "warning", "Rule {} match {} is never reached, since rule {} match {} takes all that it would",
    "move the more specific rule up",
)
UNUSED_DELEGATE = Message(
    "MESHD004", "UnusedDelegate", "warning", "This VirtualService has no hosts and nobody delegates to it: it has no effect",
    "add hosts, or delegate to it",
)
UNANSWERED_NAMES = Message(
    "MESHD005", "UnansweredNames", "warning", "{} gives hosts without addresses some of the mesh's, but this machine does not resolve their names",
    "leave dns.enabled out of its spec, or set it to true",
)
UNDIVERTED_NAMES = Message(
    "MESHD006", "UndivertedNames", "warning",
    "Names are not resolved by meshd on this machine although dns is enabled: {}, so that no question is diverted",
    "capture outbound connections on it, or leave dns out",
)
IDLE_PEER_AUTHENTICATION = Message(
    "MESHD007", "IdlePeerAuthentication", "warning", "This PeerAuthentication has no effect: {}", "remove it, or put what it says into the other",
)
MUTUAL_TLS_LATER = Message(
    "MESHD008", "MutualTlsNotServedYet", "warning",
    "Nobody can connect to {}: mutual TLS is asked for, and machines of meshd have no certificates of the mesh yet",
    "take mode PERMISSIVE until they have",
)
UNMET_REFERENCE = Message("MESHD009", "UnmetRouteReference", "warning", "{}", "correct the reference, or add what it means")
GATEWAY_OF_ROUTES = Message(
    "MESHD010", "VirtualServiceAtRoutesGateway", "warning",
    "The Gateway {} is one of the Kubernetes Gateway API: meshd attaches no VirtualService to it, this one has no effect there",
    "write an HTTPRoute with this parent, or a Gateway of Istio's",
)
