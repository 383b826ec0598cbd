"""Certificates and keys in files: read by the names that a snapshot has for them, checked, and read again when they change."""

import os
from collections.abc import Callable, Iterable
from stat import S_ISREG

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.kube_secret import KubeSecret
from meshd.model.metadata import DEFAULT_NAMESPACE
from meshd.snapshot.secret import (
    CHAIN,
    CREDENTIAL_ROOT,
    KEY,
    REVOKED,
    ROOT,
    ROOTS,
    SYSTEM,
    Secret,
    certificate_files,
    credential_path,
    is_credential,
    is_safe,
    pem_blocks,
    root_file,
)
from meshd.snapshot.tls import IDENTITY

INTERVAL = 2.0  # seconds between looks at the files
MOST_BYTES = 4 * 1024 * 1024
"""A file of certificates may have; the roots of an operating system come to a quarter of a megabyte."""
SYSTEM_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
)
"""Where operating systems keep the roots that they trust, as Istio's agent and Go look for them."""

Stamp = tuple[int, int, int] | KubeSecret | None
"""What tells one version of a file, or of a Secret in its place, from another; None: it is not there."""
FindSecret = Callable[[str, str], KubeSecret | None]
"""Finds a Secret of the World by namespace and name."""


class Faulty(ValueError):
    """A file that is of no use: `path`, and what is wrong with it."""

    def __init__(self, path: str, said: str) -> None:
        super().__init__(said)
        self.path = path
        self.said = said


@attrs.define(eq=False)
class SecretFiles:
    """
    Reads secrets from files, and looks every few seconds whether those files have changed.

    Attributes:
        directory: Of what is called by `credentialName`.
        clock: For looking again; None: it is not done.
        on_change: Called when a file has changed that was read before.
        find_secret: Finds Secrets, which stand in the place of credentials that have no folder.
        namespace: Of credentials that name none.
        problems: What is wrong with the files that were asked for last.
    """

    directory: str
    clock: IReactorTime | None = None
    on_change: Callable[[], object] = lambda: None
    find_secret: FindSecret = lambda _namespace, _name: None
    namespace: str = DEFAULT_NAMESPACE
    problems: tuple[Problem, ...] = ()
    _good: dict[str, Secret] = attrs.field(factory=dict)
    _versions: dict[str, dict[str, Stamp]] = attrs.field(factory=dict)  # of the files that each was read from
    _reading: dict[str, Stamp] = attrs.field(factory=dict)  # of the files that are being read
    _stamps: dict[str, Stamp] = attrs.field(factory=dict)  # of all files
    _look: IDelayedCall | None = None

    def find(self, wanted: Iterable[tuple[str, Origin]]) -> dict[str, Secret]:
        """
        Give the secrets of some names; one whose files are of no use has its last good content, or is left out.

        Args:
            wanted: Names, each with the resource that asks for it, which problems are told of; those of the machine's identity come otherwise.
        """
        asked: dict[str, dict[Origin, None]] = {}
        for name, origin in wanted:
            if name not in IDENTITY:
                asked.setdefault(name, {})[origin] = None
        self._stamps.clear()
        found: dict[str, Secret] = {}
        problems: dict[tuple[Origin, str], Problem] = {}
        for name, origins in asked.items():
            kept = self._good.get(name)
            try:
                found[name] = self._take(name, kept)
            except Faulty as fault:
                if kept is not None:
                    found[name] = kept
                hint = "the last good version is used" if kept is not None else "TLS that needs it is closed until it is mended"
                for origin in origins:
                    problems[origin, fault.path] = Problem(origin, f"{fault.path}: {fault.said}", "", hint)
        self._good = found
        self._versions = {name: version for name, version in self._versions.items() if name in found}
        self.problems = tuple(problems.values())
        self._look_later()
        return found

    def _take(self, name: str, kept: Secret | None) -> Secret:
        """Give a secret as it was read before where its files are the same, else read it."""
        version = self._versions.get(name)
        if kept is not None and version is not None and all(self._stamp(path) == stamp for path, stamp in version.items()):
            self._stamps.update(version)
            return kept
        self._reading = {}
        try:
            found = self._read(name)
        finally:
            self._stamps.update(self._reading)
        self._versions[name] = self._reading
        return found

    def stop(self) -> None:
        """Look no more."""
        if self._look is not None and self._look.active():
            self._look.cancel()
        self._look = None
        self.clock = None

    def _look_later(self) -> None:
        if self.clock is not None and self._look is None and self._stamps:
            self._look = self.clock.callLater(INTERVAL, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        if any(self._stamp(path) != stamp for path, stamp in self._stamps.items()):
            self.on_change()
        self._look_later()

    def _read(self, name: str) -> Secret:
        if name == SYSTEM:
            return Secret(name, trusted_ca=self._read_roots(system_roots()))
        if name.startswith(REVOKED):
            return Secret(name, revoked=self._read_revoked(name.removeprefix(REVOKED)))
        if is_credential(name) and not is_safe(name):
            raise Faulty(credential_path(name), "expected the name of a credential, which is no path")
        if name.startswith(ROOT) or name.endswith(CREDENTIAL_ROOT):
            return Secret(name, trusted_ca=self._read_roots(root_file(name, self.directory)))
        files = certificate_files(name, self.directory)
        if files is None:
            raise Faulty(name, "expected files of a certificate, or a credential")
        certificate, key = files
        chain = self._read_certificates(certificate)
        text = self._read_text(key)
        _check_pair(chain, text, certificate, key)
        return Secret(name, _pem(chain), text)

    def _read_roots(self, path: str) -> str:
        return _pem(self._read_certificates(path))

    def _read_revoked(self, path: str) -> str:
        blocks = list(pem_blocks(self._read_text(path), "X509 CRL"))
        try:
            for block in blocks:
                x509.load_pem_x509_crl(block.encode())
        except ValueError as error:
            raise Faulty(path, f"expected lists of revoked certificates in PEM, found one that cannot be read ({error})") from None
        if not blocks:
            raise Faulty(path, "expected lists of revoked certificates in PEM, found none")
        return "".join(blocks)

    def _read_certificates(self, path: str) -> list[x509.Certificate]:
        text = self._read_text(path)
        try:
            found = [x509.load_pem_x509_certificate(block.encode()) for block in pem_blocks(text)]
        except (ValueError, x509.InvalidVersion) as error:
            raise Faulty(path, f"expected certificates in PEM, found one that cannot be read ({error})") from None
        if not found:
            raise Faulty(path, "expected certificates in PEM, found none")
        return found

    def _read_text(self, path: str) -> str:
        """Read a file, or what a Secret has in its place, and remember which version of it that was."""
        try:
            stamp = self._reading[path] = self._stamp(path)
            content = _value(stamp, path) if isinstance(stamp, KubeSecret) else _content(path)
        except (OSError, ValueError) as error:
            raise Faulty(path, f"expected a file that can be read: {getattr(error, 'strerror', None) or error}") from None
        if not 0 < len(content) <= MOST_BYTES:
            raise Faulty(path, f"expected a file of 1 to {MOST_BYTES} bytes")
        return content.decode("utf-8", "replace")


    def _stamp(self, path: str) -> Stamp:
        folder, file = os.path.split(path)
        parts = os.path.relpath(folder, self.directory).split(os.sep)
        if len(parts) > 2 or parts[0].startswith(".") or os.path.isdir(folder):
            return _stamp(path)
        *namespaces, name = parts
        namespace = namespaces[0] if namespaces else self.namespace
        if file == ROOTS:
            own = self.find_secret(namespace, f"{name}{CREDENTIAL_ROOT}")
            if own is not None and own.trusted_ca:
                return own
        return self.find_secret(namespace, name)


def _value(secret: KubeSecret, path: str) -> bytes:
    found = {CHAIN: secret.certificate, KEY: secret.private_key, ROOTS: secret.trusted_ca}[os.path.basename(path)]
    if not found:
        raise Faulty(path, f"expected {os.path.basename(path)} in {secret.metadata.origin}, found none")
    return found.encode()


def system_roots() -> str:
    """Give the file of the roots that this machine trusts."""
    return next((path for path in SYSTEM_ROOTS if os.path.exists(path)), SYSTEM_ROOTS[0])


def _check_pair(chain: list[x509.Certificate], text: str, certificate: str, key: str) -> None:
    """Check that a key is the certificate's; nothing of it is ever quoted."""
    try:
        private = load_pem_private_key(text.encode(), None)
    except TypeError:
        raise Faulty(key, "expected a private key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise Faulty(key, "expected a private key in PEM, found something else") from None
    kind = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        public = chain[0].public_key().public_bytes(*kind)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Faulty(certificate, f"expected a certificate of a key that can be used, found another one ({error})") from None
    if private.public_key().public_bytes(*kind) != public:
        raise Faulty(key, f"expected the private key of the certificate in {certificate}, found another one")


def _pem(chain: list[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in chain)


def _content(path: str) -> bytes:
    """Read a file, of one that is too long more than it may have; nothing of what is no file, which could be endless or never come."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(MOST_BYTES + 1) if S_ISREG(os.fstat(file.fileno()).st_mode) else b""


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
