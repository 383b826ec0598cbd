"""The article's walk in a cluster, step by step, as it is done there: with kubectl and curl."""

import re
import subprocess
from collections.abc import Callable, Sequence

from tests.demo import lines
from tests.demo.daemon import meshd_commands
from tests.demo.walk import CLUSTER, MANY, NOT_HTTP, UnexpectedError, expect_all, expect_rows, say
from tests.helpers.waiting import NotInTimeError, wait_for
from tests.kubernetes.cluster import RefusedError
from tests.kubernetes.demo.pods import SIDECAR, Pod, find_pods
from tests.kubernetes.demo.speed import CHANGES, measure, shown
from tests.kubernetes.kubelet.container import Container
from tests.kubernetes.kubelet.network import GATEWAY
from tests.kubernetes.stage import Stage

GET = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{size_download}")
NAME = "my-nginx.default.svc.cluster.local"
GOAL = 0.050  # seconds, in the median, from a change to its effect


class Walk:
    """
    What the steps need.

    Attributes:
        stage: The cluster.
        nginx_1, nginx_2, ubuntu: The pods.
        service: Address of the service my-nginx.
    """

    nginx_1: Pod
    nginx_2: Pod
    ubuntu: Pod
    service: str

    def __init__(self, stage: Stage) -> None:
        """Take a stage on which nothing of the walk was done."""
        self.stage = stage

    def run(self) -> list[str]:
        """Do all steps and print them; returns the names of those that failed."""
        failed = []
        for name, step in STEPS:
            say(f"\n{name}: {step.__doc__}")
            try:
                step(self)
                say("    ok")
            except (UnexpectedError, NotInTimeError, RefusedError, subprocess.TimeoutExpired) as error:
                say(f"    FAILED: {error}")
                failed.append(name)
            if failed and name in ("install", "start"):
                break
        if failed:
            self._tell()
        return failed

    def kubectl(self, *words: str, stdin: str = "", show: str = "") -> str:
        """Run kubectl and print the command, with what it prints if `show` begins its lines."""
        say(f"    # kubectl {' '.join(words)}")
        printed = self.stage.cluster.kubectl(*words, stdin=stdin)
        if show:
            say("".join(f"{show}{line}\n" for line in printed.splitlines()).rstrip())
        return printed

    def meshctl(self, *words: str) -> None:
        """
        Run meshctl as the cluster's administrator, and print what it prints.

        Raises:
            UnexpectedError: If it fails.
        """
        say(f"    # meshctl {' '.join(words)}")
        command = [*meshd_commands().meshctl, *words, "--kubeconfig", str(self.stage.cluster.kubeconfig)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        say("".join(f"        {line}\n" for line in ran.stdout.splitlines()).rstrip())
        if ran.returncode:
            raise UnexpectedError(f"meshctl: exit status {ran.returncode}: {ran.stderr.strip()}")

    def curl(self, client: Pod | None, address: str, expected: str, quiet: bool = False) -> None:
        """
        Get a page with curl, from a pod or from the node, and look at its length.

        Raises:
            UnexpectedError: If it prints something else than `expected`: status, and bytes of the body.
        """
        for pod in (self.nginx_1, self.nginx_2, self.ubuntu) if not quiet else ():
            pod.skip()
        url = f"http://{address}/"
        if not quiet:
            say(f"    # kubectl exec {client.name} -- curl {url}" if client else f"    node# curl {url}")
        found = client.run(*GET, url) if client else subprocess.run([*GET, url], capture_output=True, text=True, timeout=30, check=False).stdout
        if found != expected:
            raise UnexpectedError(f"curl: expected {expected!r}, got {found!r}")

    def curl_from(self, client: Container, address: str) -> None:
        """
        Get a page with curl in a container by the node itself, since without API server kubectl cannot.

        Raises:
            UnexpectedError: If there is none.
        """
        say(f"    {client.name}# curl http://{address}/")
        printed, _ = client.execute([*GET, f"http://{address}/"]).communicate(timeout=30)
        if printed != b"200 612":
            raise UnexpectedError(f"curl: expected '200 612', got {printed.decode()!r}")

    def line(self, pod: Pod, expected: str) -> str:
        """
        Wait for the one line that a request caused, print it and hold it against what is expected.

        Raises:
            UnexpectedError: If it differs, or there are more.
        """
        say(f"    # kubectl logs {pod.name} -c {SIDECAR}")
        found = pod.take()
        for line in found:
            say(f"        {line}")
        different = lines.difference(self.meant(expected), found[0])
        if different or len(found) > 1:
            raise UnexpectedError(different or f"expected one line, got {len(found)}")
        return found[0]

    def meant(self, expected: str) -> str:
        """Put this cluster's addresses into a line of the article's."""
        meant = {
            "172.17.0.1:": f"{GATEWAY}:", "172.17.0.11": self.nginx_1.address, "172.17.0.15": self.ubuntu.address, "10.104.15.140": self.service,
            "{nginx}": "{endpoint}",
        }
        return re.sub("|".join(map(re.escape, meant)), lambda match: meant[match[0]], expected)

    def endpoints(self) -> set[str]:
        """Give the service's endpoints."""
        return {f"{pod.address}:80" for pod in (self.nginx_1, self.nginx_2)}

    def expose(self) -> None:
        """Make the service, and wait until the sidecars know it."""
        self.kubectl("expose", "deployment", "my-nginx", "--port=80")
        self.service = self.stage.cluster.kubectl("get", "service", "my-nginx", "-o", "jsonpath={.spec.clusterIP}")
        self._settle(True)

    def delete_service(self) -> None:
        """Delete the service, and wait until the sidecars have forgotten it."""
        self.kubectl("delete", "service", "my-nginx")
        self._settle(False)

    def _settle(self, present: bool) -> None:
        self.ubuntu.wait_for_cluster(CLUSTER, present)
        for pod in (self.nginx_1, self.nginx_2):
            pod.wait_for_cluster("inbound|80||", present)
        if present:
            wait_for(lambda: len(self.ubuntu.rows("endpoint", "--cluster", CLUSTER)) == 3, "both endpoints are known")

    def _tell(self) -> None:
        for pod in self.stage.kubelet.pods.values():
            for container in pod.containers.values():
                say(f"\nlast words of {container.name} in {pod.name}:")
                text = container.log.read_text(errors="replace") if container.log.exists() else ""
                say("".join(f"    {line}\n" for line in text.splitlines()[-15:]))


def install(walk: Walk) -> None:
    """meshd comes into the cluster: what sidecars may read, and the webhook that puts them into pods."""
    walk.meshctl("webhook", "install", "--replicas", "1")
    walk.kubectl("wait", "--for=condition=available", "--timeout=120s", "--namespace=istio-system", "deployment/meshd-webhook")


def start(walk: Walk) -> None:
    """A namespace whose pods get sidecars, two web servers, a client."""
    walk.kubectl("label", "namespace", "default", "istio-injection=enabled")
    walk.kubectl("create", "deployment", "my-nginx", "--image=nginx", "--replicas=2")
    walk.kubectl("create", "deployment", "ubuntu", "--image=ubuntu", "--", "sleep", "infinity")
    walk.kubectl("apply", "-f", "etc/walk/other.yaml")
    walk.nginx_1, walk.nginx_2 = find_pods(walk.stage.cluster, "my-nginx", 2)
    (walk.ubuntu,) = find_pods(walk.stage.cluster, "ubuntu", 1)
    walk.expose()
    walk.kubectl("get", "pods,services,endpointslices", "-o", "wide", show="        ")


def step_1(walk: Walk) -> None:
    """A request from outside the mesh is captured in a pod of nginx, known as HTTP, and finds the service's inbound rule."""
    walk.curl(None, walk.nginx_1.address, "200 612")
    walk.line(walk.nginx_1, lines.INBOUND)


def step_2(walk: Walk) -> None:
    """The service is deleted: the same request has no rule, and is still served."""
    walk.delete_service()
    walk.curl(None, walk.nginx_1.address, "200 612")
    walk.line(walk.nginx_1, lines.INBOUND_PASSTHROUGH)


def step_3(walk: Walk) -> None:
    """The service is back: a request to a pod's address is no request to the service, and passes through."""
    walk.expose()
    walk.curl(walk.ubuntu, walk.nginx_1.address, "200 612")
    walk.line(walk.ubuntu, lines.OUTBOUND_PASSTHROUGH)


def step_4(walk: Walk) -> None:
    """A request to the service's address goes to one of its endpoints; repeated, to both."""
    walk.curl(walk.ubuntu, walk.service, "200 612")
    found = [walk.line(walk.ubuntu, lines.OUTBOUND)]
    for _ in range(MANY - 1):
        walk.curl(walk.ubuntu, walk.service, "200 612", quiet=True)
    found += walk.ubuntu.take(MANY - 1)
    used = [endpoint for line in found for endpoint in lines.values(walk.meant(lines.OUTBOUND), line, "endpoint")]
    counts = ", ".join(f"{used.count(endpoint)} to {endpoint}" for endpoint in sorted(walk.endpoints()))
    say(f"    {MANY} requests: {counts}")
    if len(used) != MANY or set(used) != walk.endpoints():
        raise UnexpectedError(f"expected {MANY} requests to {sorted(walk.endpoints())}, got {used}")


def step_5(walk: Walk) -> None:
    """Bytes that are not HTTP take the TCP branch of the same listener."""
    walk.ubuntu.skip()
    text = NOT_HTTP.decode()
    say(f"    # printf '{text.encode('unicode_escape').decode()}' | kubectl exec -i {walk.ubuntu.name} -- nc -N {walk.service} 80")
    answer = walk.ubuntu.run("nc", "-N", "-w", "5", walk.service, "80", stdin=text)
    counts = lines.values(walk.meant(lines.OUTBOUND_TCP), walk.line(walk.ubuntu, lines.OUTBOUND_TCP), "bytes")
    if not answer or counts[0] != str(len(text)):
        raise UnexpectedError(f"sent {len(text)} bytes and got {len(answer)}, but the line says {counts}")


def step_6(walk: Walk) -> None:
    """meshctl proxy-config shows the rules behind it."""
    ubuntu, address = walk.ubuntu, re.escape(walk.service)
    expect_rows(ubuntu.show("listener", "--address", walk.service, "--port", "80"), [
        rf"{address} +80 +Trans: raw_buffer; App: http/1\.1,h2c +Route: {re.escape(NAME)}:80",
        rf"{address} +80 +ALL +Cluster: {re.escape(CLUSTER)}",
    ])
    ubuntu.show("route", "--name", f"{NAME}:80")
    domains = set(ubuntu.proxy_config("route", "--name", f"{NAME}:80")[0]["virtualHosts"][0]["domains"])
    expect_all({"my-nginx", "my-nginx.default", "my-nginx.default.svc", NAME, walk.service, "*"}, domains, "domains of the virtual host")
    ubuntu.show("cluster", "--fqdn", NAME)
    clusters = {found["name"]: found for found in ubuntu.proxy_config("cluster")}
    expect_all({"EDS"}, {clusters[CLUSTER]["type"]}, "type of the service's cluster")
    expect_all({CLUSTER}, {clusters[CLUSTER]["edsClusterConfig"]["serviceName"]}, "serviceName of the service's cluster")
    expect_all({"ORIGINAL_DST"}, {clusters["PassthroughCluster"]["type"]}, "type of PassthroughCluster")
    rows = ubuntu.show("endpoint", "--cluster", CLUSTER)
    expect_rows(rows, [rf"{re.escape(pod.address)}:80 +HEALTHY .*{re.escape(CLUSTER)}" for pod in (walk.nginx_1, walk.nginx_2)])


def by_name(walk: Walk) -> None:
    """The service has a name, which the sidecar answers."""
    walk.curl(walk.ubuntu, "my-nginx", "200 612")
    walk.line(walk.ubuntu, lines.OUTBOUND.replace('"10.104.15.140"', '"my-nginx"'))


def speed(walk: Walk) -> None:
    """A VirtualService is changed with kubectl, and the next answers are as it says."""
    (namespace,) = [pod.network for pod in walk.stage.kubelet.pods.values() if pod.name == walk.ubuntu.name]
    events, returns = measure(walk.stage.cluster, namespace, walk.service)
    say(f"    {CHANGES} times: kubectl apply -f virtual-service.yaml")
    say(f"    from the event that a watch gets to the changed answer: {shown(events)}")
    say(f"    from kubectl's return to the changed answer: {shown(returns)} (less than 0: it was there first)")
    walk.kubectl("delete", "virtualservice", "my-nginx")
    if sorted(events)[len(events) // 2] > GOAL:
        raise UnexpectedError(f"expected a median of at most {GOAL * 1000:.0f} ms")


def away(walk: Walk) -> None:
    """The API server is killed: everything goes on, even in a sidecar that starts anew; when it is back, changes come again."""
    cluster = walk.stage.cluster
    containers = walk.stage.kubelet.containers("default", walk.ubuntu.name)
    say("    node# kill -9 $(pidof kube-apiserver)")
    cluster.stop_api_server()
    walk.curl_from(containers["ubuntu"], walk.service)
    say(f"    {walk.ubuntu.name} {SIDECAR}# kill 1")
    containers[SIDECAR].run(["kill", "1"], 5.0)
    wait_for(lambda: containers[SIDECAR].restarts == 1 and containers[SIDECAR].ready, "the sidecar is ready again", 60)
    walk.curl_from(containers["ubuntu"], walk.service)
    say("    node# kube-apiserver ...")
    cluster.start_api_server()
    walk.kubectl("scale", "deployment", "my-nginx", "--replicas=3")
    find_pods(cluster, "my-nginx", 3)
    wait_for(lambda: len(walk.ubuntu.rows("endpoint", "--cluster", CLUSTER)) == 4, "the third endpoint is known")


def step_7(walk: Walk) -> None:
    """The service is deleted: its address is nobody's, and the request times out."""
    walk.delete_service()
    walk.curl(walk.ubuntu, walk.service, "503 91")
    walk.line(walk.ubuntu, lines.TIMED_OUT)


def stop(walk: Walk) -> None:
    """Everything is deleted, and gone."""
    walk.kubectl("delete", "deployment", "my-nginx", "ubuntu")
    walk.meshctl("webhook", "uninstall")
    wait_for(lambda: not walk.stage.cluster.ask("GET", "/api/v1/pods")["items"], "the pods are gone", 60)
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.split()
    if left:
        raise UnexpectedError(f"left behind: network namespaces {left}")


STEPS: Sequence[tuple[str, Callable[[Walk], None]]] = (
    ("install", install),
    ("start", start),
    ("step 1", step_1),
    ("step 2", step_2),
    ("step 3", step_3),
    ("step 4", step_4),
    ("step 5", step_5),
    ("step 6", step_6),
    ("by name", by_name),
    ("speed", speed),
    ("away", away),
    ("step 7", step_7),
    ("stop", stop),
)
