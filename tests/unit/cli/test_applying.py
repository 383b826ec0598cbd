"""Documents into a cluster, and out of it."""

import pytest

from meshd.base.errors import MeshError
from meshd.cli.applying import APIS, apply_all, authority_of, delete_all, path_of
from meshd.inject.settings import InjectSettings
from meshd.kubernetes.client import ApiError
from meshd.webhook.configuration import Hook, everything
from meshd.webhook.store import secret_document
from tests.helpers.api_server import ApiServer, done

DOCUMENTS = everything(InjectSettings(), Hook(), 1, validates=True)
SECRET = secret_document("istio-system")


def test_every_document_has_its_place():
    """Whatever install applies."""
    assert [] == [one["kind"] for one in (*DOCUMENTS, SECRET) if (one["apiVersion"], one["kind"]) not in APIS]
    assert "/apis/apps/v1/namespaces/istio-system/deployments/meshd-webhook" == path_of(DOCUMENTS[-5])
    assert "/api/v1/namespaces/istio-system" == path_of(DOCUMENTS[0])
    assert "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector" == path_of(DOCUMENTS[-2])


def test_in_and_out():
    """Each is told; what is not there is no fault."""
    server, said = ApiServer(), []
    done(apply_all(server, DOCUMENTS, False, said.append))
    assert len(DOCUMENTS) == len(server.objects)
    assert ("applied: Namespace istio-system", "applied: Deployment istio-system/meshd-webhook") == (said[0], said[-5])
    said.clear()
    done(delete_all(server, [*DOCUMENTS, SECRET], said.append))
    assert ({}, len(DOCUMENTS)) == (server.objects, len(said))


def test_what_somebody_else_set():
    """Stays, until force is used."""
    server = ApiServer()
    server.faults["conflict"] = ApiError("APPLY", 409, "Conflict", "conflict with istioctl: .webhooks")
    with pytest.raises(MeshError, match=r"Namespace istio-system: conflict with istioctl: \.webhooks; somebody else set these fields; --force takes"):
        done(apply_all(server, DOCUMENTS, False, str))
    server.faults["conflict"] = ApiError("APPLY", 409, "Conflict")
    done(apply_all(server, DOCUMENTS, True, str))
    assert len(DOCUMENTS) == len(server.objects)


@pytest.mark.parametrize("work", [
    lambda server: apply_all(server, DOCUMENTS, False, str), lambda server: delete_all(server, DOCUMENTS, str),
])
def test_the_first_fault_ends_it(work):
    """With what the server said."""
    server = ApiServer()
    server.faults = {"APPLY": ApiError("x", 403, "Forbidden"), "DELETE": ApiError("x", 403, "Forbidden")}
    with pytest.raises(ApiError, match="403"):
        done(work(server))
    assert 1 == len(server.asked)


def test_the_authority_is_made_once():
    """And then the one that is kept."""
    server = ApiServer()
    assert done(authority_of(server, "mesh")) == done(authority_of(server, "mesh"))
