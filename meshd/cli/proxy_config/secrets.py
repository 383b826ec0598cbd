"""`meshctl proxy-config secret`: certificates, by name; keys are never shown."""

from datetime import UTC, datetime

from meshd.cli.proxy_config.filters import Filters, Json, find
from meshd.cli.proxy_config.view import Rows, View


def select(dump: Json, filters: Filters) -> list[Json]:
    """Choose secrets by name."""
    chosen = [secret for secret in dump.get("secrets") or [] if not filters.name or secret.get("name") == filters.name]
    return sorted(chosen, key=lambda secret: str(secret.get("name", "")))


def rows(secrets: list[Json], filters: Filters) -> Rows:
    """Give a row for each secret, with the first certificate in it."""
    now = datetime.now(UTC)
    return [row for secret in secrets for row in _rows_of(secret, now)]


def _rows_of(secret: Json, now: datetime) -> Rows:
    kinds = {
        "Cert Chain": find(secret, "tlsCertificate", "certificateChain", "inlineString"),
        "CA": find(secret, "validationContext", "trustedCa", "inlineString"),
    }
    return [(str(secret.get("name", "")), kind, "ACTIVE", *describe_certificate(text, now)) for kind, text in kinds.items() if text]


def describe_certificate(text: str, now: datetime) -> tuple[str, str, str, str]:
    """Give whether a PEM certificate is valid now, its serial number in hex, and its last and first moment."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        return "false", "", "", ""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return str(first <= now <= last).lower(), f"{certificate.serial_number:x}", f"{last:%Y-%m-%dT%H:%M:%SZ}", f"{first:%Y-%m-%dT%H:%M:%SZ}"


VIEW = View(
    aliases=("secrets", "s"),
    help="Secrets: certificates; keys are never shown.",
    options=("name",),
    part="secrets",
    select=select,
    header=("RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"),
    rows=rows,
)
