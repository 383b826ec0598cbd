"""Tests of destinations that lead nowhere."""

from meshd.analyze.destinations import find_empty_destinations, find_ineffective_subsets, find_unknown_destinations, find_unknown_subsets
from tests.helpers.analysis import API, WEB, found, host
from tests.helpers.small_worlds import eps, istio, to, virtual

RULE = istio("DestinationRule", "web", "host: web, subsets: [{name: v1, labels: {version: v1}}]")


def test_finds_unknown_hosts_and_ports():
    """Of routes, mirrors, TCP and TLS; several ports ask for one to be named."""
    wrong_port = to("web", ", port: {number: 81}")
    spec = f"hosts: [web], http: [{{{to('web')}, mirror: {{host: nobody}}}}, {{{to('gone')}}}, {{{wrong_port}}}, {{{to('api')}}}]"
    tcp = f"hosts: [web], tcp: [{{{to('other.example.com')}}}], tls: [{{match: [{{sniHosts: [web]}}], {to(host('api'), ', port: {number: 90}')}}}]"
    assert [
        'IST0101 tcp 7 spec.tcp[0].route[0].destination.host: Referenced host not found: "other.example.com"',
        'IST0101 web 5 spec.http[1].route[0].destination.host: Referenced host not found: "gone"',
        'IST0101 web 5 spec.http[2].route[0].destination.port: Referenced host:port not found: "web:81"',
        'IST0112 web 5 spec.http[3].route[0].destination: This VirtualService routes to a service "api" that exposes multiple ports [80 90]. '
        "Specifying a port in the destination is required to disambiguate.",
        'IST0101 web 5 spec.http[0].mirror.host: Referenced mirror host not found: "nobody"',
    ] == found(find_unknown_destinations, WEB, API, virtual("web", spec), virtual("tcp", tcp))


def test_hosts_must_be_exported_to_who_names_them():
    """A service of another namespace that keeps to itself is not found."""
    private = WEB.replace("namespace: default", "namespace: other, annotations: {networking.istio.io/exportTo: .}")
    spec = f"hosts: [web.other.svc.cluster.local], http: [{{{to('web.other.svc.cluster.local')}}}]"
    assert [] == found(find_unknown_destinations, private, virtual("web", spec, namespace="other"))
    assert 1 == len(found(find_unknown_destinations, private, virtual("web", spec)))


def test_finds_unknown_subsets():
    """Of routes and mirrors, by the rules of the host."""
    mirror = "mirror: {host: web, subset: v3}"
    spec = f"hosts: [web], http: [{{{to('web', ', subset: v1')}}}, {{{to('web', ', subset: v2')}, {mirror}}}]"
    assert [
        'IST0101 web 5 spec.http[1].route[0].destination.subset: Referenced host+subset in destinationrule not found: "web+v2"',
        'IST0101 web 5 spec.http[1].mirror.subset: Referenced mirror+subset in destinationrule not found: "web+v3"',
    ] == found(find_unknown_subsets, WEB, RULE, virtual("web", spec))


def test_finds_destinations_without_endpoints():
    """Those that get requests: a weight of zero gets none."""
    ready = eps("api", "{name: http, port: 80}", "{addresses: [10.1.0.1]}")
    unready = eps("web", "{name: http, port: 80}", "{addresses: [10.1.0.2], conditions: {ready: false}}")
    shares = "route: [{destination: {host: api}, weight: 100}, {destination: {host: web}, weight: 0}]"
    spec = f"hosts: [web], http: [{{{shares}}}, {{{to('web')}}}]"
    assert [
        "MESHD002 web 9 spec.http[1].route[0].destination: The destination web.default.svc.cluster.local has no endpoint that is ready: "
        "requests will be answered 503 UH",
    ] == found(find_empty_destinations, WEB, API, ready, unready, virtual("web", spec))


def test_endpoints_that_clients_choose_are_not_missed():
    """A ServiceEntry without resolution needs none."""
    entry = istio("ServiceEntry", "out", "hosts: [out.example.com], ports: [{number: 80, name: http, protocol: HTTP}]")
    assert [] == found(find_empty_destinations, entry, virtual("out", f"hosts: [out.example.com], http: [{{{to('out.example.com')}}}]"))


def test_finds_subsets_that_gateways_do_not_follow():
    """A gateway's route to a host without subset does not go by the subsets of the host's own VirtualService."""
    own = virtual("web", f"hosts: [web], http: [{{{to('web', ', subset: v1')}}}]")
    edge = virtual("edge", f"hosts: [www.example.com], gateways: [edge], http: [{{{to('web')}}}]")
    assert [
        "IST0140 edge 5 spec.http[0].route[0].destination.host: Subset in virtual service default/web has no effect on ingress gateway "
        "default/edge requests",
    ] == found(find_ineffective_subsets, WEB, own, edge)
