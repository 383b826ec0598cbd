"""What is read of an API server."""

import pytest
import yaml

from meshd.base.errors import MeshError
from meshd.kubernetes.api import ENDPOINT_SLICES, PODS, SECRETS, SERVICES
from meshd.model.kinds import KINDS
from meshd.sources.kubernetes_kinds import LEFT_OUT, WANTED, by_kind
from tests.helpers.source_tree import ROOT

RBAC = ROOT / "packaging" / "kubernetes" / "rbac.yaml"


def test_reads_every_kind_that_meshd_reads():
    """But for those that are left out on purpose: a kind that readers know and no API server is asked for would be missed by nobody."""
    assert KINDS.keys() == {(api.group, api.kind) for api in (*WANTED, *LEFT_OUT)}


def test_each_kind_is_asked_for_in_versions_that_are_read():
    """The newest that readers know first."""
    assert {} == {api.kind: api for api in WANTED if not {api.version, *api.older}.issubset(KINDS[api.group, api.kind].versions)}


def test_a_server_without_services_is_none():
    """Whatever answers there says nothing about Kubernetes."""
    assert {("", "Service"): SERVICES, ("discovery.k8s.io", "EndpointSlice"): ENDPOINT_SLICES} == by_kind((SERVICES, ENDPOINT_SLICES))
    with pytest.raises(MeshError, match="expected an API server"):
        by_kind((PODS, SERVICES))


def test_the_manifest_permits_what_is_read_and_no_more():
    """Least privilege: to read, and that of these kinds alone; secrets and writing are other roles."""
    roles = {one["metadata"]["name"]: one["rules"] for one in yaml.safe_load_all(RBAC.read_text()) if one["kind"] == "ClusterRole"}
    reading = roles["meshd-reader"]
    read = {(api.group, api.plural) for api in WANTED if api is not SECRETS}
    assert read == {(rule["apiGroups"][0], plural) for rule in reading for plural in rule["resources"]}
    assert [["get", "list", "watch"]] * len(reading) == [rule["verbs"] for rule in reading]
    assert [["secrets"]] == [rule["resources"] for rule in roles["meshd-credentials-reader"]]
