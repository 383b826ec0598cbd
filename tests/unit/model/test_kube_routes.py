"""What routes of the Gateway API say of themselves."""

from meshd.base.origins import Origin
from meshd.model.kube_references import BackendRef
from meshd.model.kube_routes import KubeGrpcRoute, KubeHttpRoute, KubeRule, MirrorRef
from meshd.model.metadata import Metadata
from meshd.model.virtual_service import HttpRoute

METADATA = Metadata("web", Origin("a.yaml"))


def test_a_grpc_route_is_no_http_route_of_the_same_name():
    """They are read alike and told apart."""
    assert KubeGrpcRoute(METADATA) != KubeHttpRoute(METADATA)
    assert isinstance(KubeGrpcRoute(METADATA), KubeHttpRoute)


def test_rules_lead_nowhere_of_their_own():
    """And a mirror gets every request unless it says otherwise."""
    rule = KubeRule(HttpRoute(origin=Origin("a.yaml")))
    assert ((), (), 100.0) == (rule.backends, rule.mirrors, MirrorRef(BackendRef("Service", "a", 80)).percentage)
