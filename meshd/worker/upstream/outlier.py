"""Outlier detection: endpoints that fail again and again are taken out of use for a while."""

from collections.abc import Callable
from typing import Final

from meshd.snapshot.cluster import OutlierDetection
from meshd.worker.upstream.host import HostWatch, UpstreamHost
from meshd.worker.wire.wheel import Timer, Wheel

GATEWAY_ERRORS: Final = frozenset((502, 503, 504))
ENVOYS_5XX: Final = 5
"""Errors in a row where a cluster does not say."""
CONNECT_FAILED: Final = 503
TIMED_OUT: Final = 504
"""What failures without an answer count as where they are not counted apart (Envoy's DetectorHostMonitorImpl)."""


class Failures(HostWatch):
    """
    What one endpoint has done of late.

    Attributes:
        in_a_row_5xx / in_a_row_gateway / in_a_row_local: Errors since the last success.
        ejections: How often it was ejected, less how often it was found well since: the next ejection is as many times as long.
        ejected_at: Monotonic seconds.
    """

    __slots__ = ("_detector", "_host", "ejected_at", "ejections", "in_a_row_5xx", "in_a_row_gateway", "in_a_row_local")

    def __init__(self, detector: "OutlierDetector", host: UpstreamHost) -> None:
        """Begin without any."""
        self._detector = detector
        self._host = host
        self.in_a_row_5xx = self.in_a_row_gateway = self.in_a_row_local = self.ejections = 0
        self.ejected_at = 0.0

    def answered(self, status: int) -> None:
        """Count an answer; a count that has reached its limit begins anew, whether it ejected or not."""
        detector = self._detector
        config = detector.config
        if status < 500:
            self.in_a_row_5xx = self.in_a_row_gateway = 0
            return
        if status in GATEWAY_ERRORS:
            self.in_a_row_gateway += 1
            if self.in_a_row_gateway == config.consecutive_gateway_failure:
                detector.eject(self._host, self, config.enforcing_gateway_percent)
                self.in_a_row_gateway = 0
        else:
            self.in_a_row_gateway = 0
        self.in_a_row_5xx += 1
        if self.in_a_row_5xx == (ENVOYS_5XX if config.consecutive_5xx is None else config.consecutive_5xx):
            detector.eject(self._host, self, 100 if config.enforcing_5xx_percent is None else config.enforcing_5xx_percent)
            self.in_a_row_5xx = 0

    def connected(self) -> None:
        """Count a connect."""
        self.in_a_row_local = 0

    def succeeded(self) -> None:
        """Count a TCP connection, as an answer that is none of the errors."""
        self.forget()

    def failed(self, timed_out: bool) -> None:
        """Count a connect, or an exchange, that failed without an answer."""
        detector = self._detector
        config = detector.config
        if not config.split_local_origin:
            self.answered(TIMED_OUT if timed_out else CONNECT_FAILED)
            return
        self.in_a_row_local += 1
        if self.in_a_row_local == config.consecutive_local_origin_failure:
            detector.eject(self._host, self, config.enforcing_local_origin_percent)
            self.in_a_row_local = 0

    def forget(self) -> None:
        """Begin anew after an ejection."""
        self.in_a_row_5xx = self.in_a_row_gateway = self.in_a_row_local = 0


class OutlierDetector:
    """
    Ejects the endpoints of one cluster, and takes them back.

    Attributes:
        config: The cluster's settings; a push may change them.
        hosts: All endpoints of the cluster.
    """

    __slots__ = ("_on_change", "_random", "_seconds", "_timer", "_wheel", "config", "hosts")

    def __init__(
        self, config: OutlierDetection, wheel: Wheel, seconds: Callable[[], float], random: Callable[[], float], on_change: Callable[[], None],
    ) -> None:
        """
        Begin with no endpoints.

        Args:
            config: The cluster's settings.
            wheel: Takes one timer, which runs while anything is remembered of an endpoint.
            seconds: Monotonic clock.
            random: In [0, 1).
            on_change: Called when an endpoint is ejected or taken back.
        """
        self.config = config
        self.hosts: list[UpstreamHost] = []
        self._wheel = wheel
        self._seconds = seconds
        self._random = random
        self._on_change = on_change
        self._timer: Timer | None = None

    def watch(self, hosts: list[UpstreamHost]) -> None:
        """Watch these endpoints; what is known of those that stay is kept."""
        self.hosts = hosts
        for host in hosts:
            if host.watch is None:
                host.watch = Failures(self, host)

    def ejected(self) -> list[str]:
        """Give `address:port` of the endpoints that are out of use; without a timer nothing is remembered of any."""
        return [host.text for host in self.hosts if host.ejected] if self._timer is not None else []

    def eject(self, host: UpstreamHost, failures: Failures, enforcing_percent: int) -> None:
        """
        Take an endpoint out of use, unless too many are or chance has it otherwise.

        Source:
            Envoy 1.40, DetectorImpl::ejectHost; observed: the share after the ejection has to be within the limit.
        """
        if host.ejected or not self._may_eject() or self._random() * 100.0 >= enforcing_percent:
            return
        host.ejected = True
        host.drain()
        failures.ejected_at = self._seconds()
        if self.config.base_ejection_time * failures.ejections < self.config.max_ejection_time + self.config.base_ejection_time:
            failures.ejections += 1  # no further than makes a difference, so that it shrinks as soon as things are well
        self._look_later()
        self._on_change()

    def _may_eject(self) -> bool:
        out = sum(host.ejected for host in self.hosts)
        if not out and self.config.always_eject_one:
            return True
        return 100.0 * (out + 1) / max(len(self.hosts), 1) <= self.config.max_ejection_percent

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = self._wheel.after(self.config.interval, self._look)

    def _look(self) -> None:
        """Take back endpoints whose time is over; those that were well since the last look shorten their next ejection."""
        self._timer = None
        now = self._seconds()
        changed = remembered = False
        for host in self.hosts:
            failures = host.watch
            if not isinstance(failures, Failures):
                continue
            if not host.ejected:
                failures.ejections = max(0, failures.ejections - 1)
            elif now - failures.ejected_at >= min(self.config.base_ejection_time * failures.ejections, self.config.max_ejection_time):
                host.ejected = False
                failures.forget()
                changed = True
            remembered = remembered or failures.ejections > 0
        if remembered:
            self._look_later()
        if changed:
            self._on_change()

    def stop(self) -> None:
        """Watch no longer; every endpoint is in use again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for host in self.hosts:
            host.watch = None
            host.ejected = False
        self.hosts = []
