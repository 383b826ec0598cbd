"""What sidecars may read."""

import yaml

from meshd.kubernetes.api import OPTIONAL
from meshd.webhook.rights import READ, reading_rights
from tests.helpers.source_tree import ROOT


def test_sidecars_read_and_do_nothing_else():
    """Every service account, all that a mesh is made of; secrets are not."""
    role, binding = reading_rights()
    assert {("get", "list", "watch")} == {tuple(rule["verbs"]) for rule in role["rules"]}
    assert (role["metadata"]["name"], ["system:serviceaccounts"]) == (binding["roleRef"]["name"], [one["name"] for one in binding["subjects"]])
    assert not {"secrets", "configmaps", "*"} & {name for names in READ.values() for name in names}


def test_what_is_read_has_its_place_in_the_api():
    """By the same names."""
    known = {(api.group, api.plural) for api in OPTIONAL}
    groups = {group for group, _ in known}
    assert set() == {(group, name) for group, names in READ.items() for name in names if group in groups} - known


def test_the_manifest_permits_the_same():
    """Sidecars and machines read the same kinds."""
    documents = yaml.safe_load_all((ROOT / "packaging" / "kubernetes" / "rbac.yaml").read_text())
    [reader] = [one for one in documents if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", "meshd-reader")]
    assert {rule["apiGroups"][0]: tuple(rule["resources"]) for rule in reader["rules"]} == READ
