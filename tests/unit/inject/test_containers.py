"""The two containers."""

import attrs
import pytest

from meshd.inject.containers import CONFIG_DIR, init_container, merged, sidecar_container, volumes
from meshd.inject.settings import InjectSettings, Resources
from meshd.inject.wishes import Readiness
from tests.helpers.pods import SETTINGS, named
from tests.unit.inject.test_wishes import DEFAULT


def test_only_the_init_step_has_rights():
    """And only those that rules need; the sidecar is nobody."""
    step, sidecar = init_container(DEFAULT, SETTINGS), sidecar_container(DEFAULT, SETTINGS)
    assert ({"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]}, 0) == (step["securityContext"]["capabilities"], step["securityContext"]["runAsUser"])
    context = sidecar["securityContext"]
    assert ({"drop": ["ALL"]}, 1337, 1337, True) == (context["capabilities"], context["runAsUser"], context["runAsGroup"], context["runAsNonRoot"])
    for container in (step, sidecar):
        assert (False, False) == tuple(container["securityContext"][name] for name in ("privileged", "allowPrivilegeEscalation"))


def test_what_they_run():
    """The same configuration for both."""
    step, sidecar = init_container(DEFAULT, SETTINGS), sidecar_container(DEFAULT, SETTINGS)
    assert ["meshctl", "capture", "apply", "--config-dir", CONFIG_DIR] == step["command"] + step["args"]
    assert ["twistd", "--nodaemon", "--pidfile=", "meshd", "--config-dir", CONFIG_DIR] == sidecar["command"] + sidecar["args"]


def test_every_mount_has_its_volume():
    """And every volume is mounted."""
    wishes = attrs.evolve(DEFAULT, volumes=({"name": "data", "emptyDir": {}},), mounts=({"name": "data", "mountPath": "/data"},))
    sidecar, step = sidecar_container(wishes, SETTINGS), init_container(wishes, SETTINGS)
    mounted = {mount["name"] for container in (sidecar, step) for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in volumes(wishes)}
    writable = {mount["mountPath"] for mount in sidecar["volumeMounts"] if not mount.get("readOnly")}
    assert {"/run/meshd", "/var/lib/meshd", "/var/log/meshd", "/data"} == writable


def test_documents_come_from_annotations():
    """By the downward API, so that nothing else need be there."""
    items = named(volumes(DEFAULT), "meshd-config")["downwardAPI"]["items"]
    assert {"node.json": "metadata.annotations['meshd.io/node']", "mesh.json": "metadata.annotations['meshd.io/mesh']"} == {
        item["path"]: item["fieldRef"]["fieldPath"] for item in items
    }


def test_resources():
    """Only what is said; the init step asks for the same, so that it costs the pod nothing more."""
    wishes = attrs.evolve(DEFAULT, resources=Resources(cpu="50m", memory_limit="1Gi"))
    expected = {"limits": {"memory": "1Gi"}, "requests": {"cpu": "50m"}}
    assert [expected] * 2 == [container["resources"] for container in (sidecar_container(wishes, SETTINGS), init_container(wishes, SETTINGS))]
    assert {} == sidecar_container(attrs.evolve(wishes, resources=Resources()), SETTINGS)["resources"]


def test_probes():
    """Of the health port, or none."""
    sidecar = sidecar_container(attrs.evolve(DEFAULT, readiness=Readiness(3, 7, 9)), SETTINGS)
    probe = {"httpGet": {"path": "/healthz/ready", "port": 15021}, "timeoutSeconds": 3}
    assert {**probe, "failureThreshold": 9, "initialDelaySeconds": 3, "periodSeconds": 7} == sidecar["readinessProbe"]
    assert {**probe, "failureThreshold": 600, "periodSeconds": 1} == sidecar["startupProbe"]
    assert not {"startupProbe", "readinessProbe"} & sidecar_container(attrs.evolve(DEFAULT, probes=False), SETTINGS).keys()


@pytest.mark.parametrize(("wishes", "expected"), [
    (DEFAULT, {"preStop": ["sleep", "5"]}),
    (attrs.evolve(DEFAULT, hold=True, drain=0.5), {"preStop": ["sleep", "0.5"], "postStart": ["meshctl", "wait"]}),
    (attrs.evolve(DEFAULT, hold=True, native=True), {"preStop": ["sleep", "5"]}),
])
def test_life(wishes, expected):
    """It serves on while others learn that it ends; Kubernetes itself waits for a native sidecar."""
    found = sidecar_container(wishes, SETTINGS)
    assert expected == {when: done["exec"]["command"] for when, done in found["lifecycle"].items()}
    assert wishes.native == (found.get("restartPolicy") == "Always")


def test_pull_policy():
    """Only where it is set."""
    assert "imagePullPolicy" not in sidecar_container(DEFAULT, SETTINGS)
    assert "Always" == init_container(DEFAULT, InjectSettings(pull_policy="Always"))["imagePullPolicy"]


def test_merged():
    """An author's container goes before the generated one, field by field."""
    generated = {
        "name": "istio-proxy", "image": "meshd:1", "args": ["a"], "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}], "volumeMounts": [{"name": "x", "mountPath": "/x"}],
    }
    own = {
        "name": "istio-proxy", "image": "auto", "args": ["b"], "resources": {"limits": {"cpu": "2"}},
        "env": [{"name": "B", "value": "2"}, {"name": "C"}],
        "volumeMounts": [{"name": "x", "mountPath": "/y"}], "stdin": True,
    }
    assert {
        "name": "istio-proxy", "image": "meshd:1", "args": ["b"], "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C"}],
        "volumeMounts": [{"name": "x", "mountPath": "/x"}, {"name": "x", "mountPath": "/y"}], "stdin": True,
    } == merged(generated, own)
    assert "mine" == merged(generated, {"image": "mine"})["image"]
