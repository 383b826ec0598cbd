"""Secrets: certificates and keys, by name; they arrive with identity."""

import attrs


@attrs.frozen
class Secret:
    """A certificate chain with its key, or a set of trusted roots, PEM."""

    name: str
    certificate_chain: str = ""
    private_key: str = attrs.field(default="", repr=False)
    trusted_ca: str = ""
