"""What a server serves, and by which version."""

from twisted.internet.defer import fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from meshd.kubernetes.answers import ApiError
from meshd.kubernetes.api import GATEWAYS, HTTP_ROUTES, PODS, SIDECARS
from meshd.kubernetes.discovery import find_served


class Groups:
    """Stands for a client whose server has some groups."""

    def __init__(self, groups, status=404):
        """Begin."""
        self.groups = groups
        self.status = status
        self.asked = []

    def get(self, path):
        """Answer from the table."""
        self.asked.append(path)
        return succeed(self.groups[path]) if path in self.groups else fail(ApiError("server: GET", self.status))


def resources(*plurals):
    """Give a list as a server does."""
    return {"resources": [{"name": plural} for plural in plurals]}


class DiscoveryTests(SynchronousTestCase):
    """Servers that serve more or less."""

    def test_takes_the_best_version_that_has_it(self):
        """Each group and version is asked for once; what is served nowhere is left out."""
        server = Groups({
            "/api/v1": resources("pods", "pods/status"),
            "/apis/networking.istio.io/v1": resources("gateways"),
            "/apis/networking.istio.io/v1beta1": resources("gateways", "sidecars"),
        })
        found = self.successResultOf(find_served(server, (PODS, GATEWAYS, SIDECARS, HTTP_ROUTES)))
        self.assertEqual([("Pod", "v1"), ("Gateway", "v1"), ("Sidecar", "v1beta1")], [(api.kind, api.version) for api in found])
        self.assertEqual(len(set(server.asked)), len(server.asked))

    def test_garbage_serves_nothing(self):
        """A list that is none has nothing in it."""
        for odd in ({}, {"resources": 1}, {"resources": [1, {}, {"name": 2}]}):
            self.assertEqual((), self.successResultOf(find_served(Groups({"/api/v1": odd}), (PODS,))))

    def test_a_server_that_says_no_is_an_error(self):
        """It is not the same as serving nothing."""
        self.assertEqual(403, self.failureResultOf(find_served(Groups({}, 403), (PODS,)), ApiError).value.status)
