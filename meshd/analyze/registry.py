"""The list of analyzers, by the names that Istio gives them; our own begin with `meshd.`."""

from collections.abc import Callable, Collection, Iterable, Iterator

from meshd.analyze.annotations import find_alpha_annotations, find_wrong_annotations
from meshd.analyze.attached_routes import find_unmet_references
from meshd.analyze.authorization_policies import find_idle_policies
from meshd.analyze.claims import find_unchecked_claims
from meshd.analyze.covered_matches import find_covered_matches
from meshd.analyze.delegates import find_wrong_delegates
from meshd.analyze.deployments import find_applications_as_proxy
from meshd.analyze.deprecations import find_deprecated_fields
from meshd.analyze.destination_rules import find_rule_hosts, find_unchecked_servers
from meshd.analyze.destinations import find_empty_destinations, find_ineffective_subsets, find_unknown_destinations, find_unknown_subsets
from meshd.analyze.envoy_filters import find_wrong_patches
from meshd.analyze.facts import Facts
from meshd.analyze.gateway_references import find_gateways_of_routes, find_wrong_gateways
from meshd.analyze.gateway_secrets import find_missing_secrets
from meshd.analyze.gateways import find_conflicting_gateways, find_idle_gateways, find_shared_certificates, find_unserved_gateways
from meshd.analyze.messages import Finding
from meshd.analyze.nodes import find_unanswered_names, find_undiverted_names
from meshd.analyze.peer_authentications import find_idle_peer_authentications, find_unserved_peer_authentications
from meshd.analyze.rate_limits import find_idle_limits
from meshd.analyze.service_entries import find_conflicting_entries, find_missing_addresses
from meshd.analyze.services import find_port_conflicts, find_port_names
from meshd.analyze.shared_hosts import find_conflicting_hosts
from meshd.analyze.sidecars import find_general_sidecars, find_sidecar_selectors
from meshd.analyze.telemetries import find_conflicting_telemetries, find_empty_providers, find_general_telemetries
from meshd.analyze.unreachable_rules import find_unreachable_rules
from meshd.model.raw import Raw
from meshd.model.world import World

Analyzer = Callable[[Facts], Iterator[Finding]]

SUPPRESS = "galley.istio.io/analyze-suppress"
"""Annotation of a resource with the codes that are not wanted for it."""

SCHEMA = "schema.ValidationAnalyzer"
"""What reading the documents tells; no analyzer of the World."""

ANALYZERS: dict[str, tuple[Analyzer, ...]] = {
    "annotations.AlphaAnalyzer": (find_alpha_annotations,),
    "annotations.K8sAnalyzer": (find_wrong_annotations,),
    "applicationUID.Analyzer": (find_applications_as_proxy,),
    "auth.AuthorizationPoliciesAnalyzer": (find_idle_policies,),
    "deployment.MultiServiceAnalyzer": (find_port_conflicts,),
    "deprecation.DeprecationAnalyzer": (find_deprecated_fields,),
    "destinationrule.CaCertificateAnalyzer": (find_unchecked_servers,),
    "destinationrule.SubsetSelectPodAnalyzer": (find_rule_hosts,),
    "envoyfilter.EnvoyPatchAnalyzer": (find_wrong_patches,),
    "gateway.CertificateAnalyzer": (find_shared_certificates,),
    "gateway.ConflictingGatewayAnalyzer": (find_conflicting_gateways,),
    "gateway.IngressGatewayPortAnalyzer": (find_unserved_gateways,),
    "gateway.SecretAnalyzer": (find_missing_secrets,),
    "meshd.DelegateAnalyzer": (find_wrong_delegates,),
    "meshd.EdgeProxyAnalyzer": (find_idle_gateways, find_gateways_of_routes),
    "meshd.EndpointAnalyzer": (find_empty_destinations,),
    "meshd.NameAnalyzer": (find_unanswered_names, find_undiverted_names),
    "meshd.PeerAuthenticationAnalyzer": (find_idle_peer_authentications, find_unserved_peer_authentications),
    "meshd.RateLimitAnalyzer": (find_idle_limits,),
    "meshd.RouteReferenceAnalyzer": (find_unmet_references,),
    "service.PortNameAnalyzer": (find_port_names,),
    "serviceentry.Analyzer": (find_missing_addresses,),
    "serviceentry.ConflictingServiceEntryProtocolAnalyzer": (find_conflicting_entries,),
    "sidecar.DefaultSelectorAnalyzer": (find_general_sidecars,),
    "sidecar.SelectorAnalyzer": (find_sidecar_selectors,),
    "telemetry.DefaultSelectorAnalyzer": (find_general_telemetries,),
    "telemetry.ProviderAnalyzer": (find_empty_providers,),
    "telemetry.SelectorAnalyzer": (find_conflicting_telemetries,),
    "virtualservice.ConflictingMeshGatewayHostsAnalyzer": (find_conflicting_hosts,),
    "virtualservice.DestinationHostAnalyzer": (find_unknown_destinations, find_ineffective_subsets),
    "virtualservice.DestinationRuleAnalyzer": (find_unknown_subsets,),
    "virtualservice.GatewayAnalyzer": (find_wrong_gateways,),
    "virtualservice.JWTClaimRouteAnalyzer": (find_unchecked_claims,),
    "virtualservice.RuleAnalyzer": (find_unreachable_rules, find_covered_matches),
}


RAW_KINDS = frozenset((
    ("", "Pod"), ("", "Secret"), ("apps", "Deployment"), ("networking.istio.io", "EnvoyFilter"), ("networking.istio.io", "Sidecar"),
    ("networking.istio.io", "VirtualService"), ("security.istio.io", "AuthorizationPolicy"), ("security.istio.io", "RequestAuthentication"),
    ("telemetry.istio.io", "Telemetry"),
))
"""Kinds whose documents analyzers look into as they are written: nobody reads them, or what is looked for is not kept of them."""


def analyze(world: World, names: Collection[str] = (), documents: Iterable[Raw] = ()) -> list[Finding]:
    """
    Give what the analyzers find, all of them unless some are named, by file and line.

    What a resource's annotation `galley.istio.io/analyze-suppress` names (codes with commas between, or `*`) is left out.

    Args:
        world: All resources that can be used, and those that cannot with defaults in the place of what is wrong.
        names: Of analyzers; empty for all.
        documents: Of the kinds `RAW_KINDS`, as they are written.
    """
    documents = tuple(documents)
    facts = Facts(world, documents)
    chosen = [analyzer for name, analyzers in ANALYZERS.items() if not names or name in names for analyzer in analyzers]
    annotated = {resource.metadata.origin: resource.metadata.annotations for resource in world if SUPPRESS in resource.metadata.annotations}
    annotated.update((raw.origin, raw.texts("metadata", "annotations")) for raw in documents)
    unwanted = {origin: {code.strip() for code in found.get(SUPPRESS, "").split(",")} for origin, found in annotated.items()}
    found = [
        one for analyzer in chosen for one in analyzer(facts)
        if not {one.message.code, "*"} & unwanted.get(one.origin, set())
    ]
    return sorted(found, key=lambda one: (one.origin.file, one.origin.line, one.message.code))
