"""Where something was made from, as Istio tells it in the metadata of Envoy's resources."""

from collections.abc import Iterable

from meshd.base.origins import Origin
from meshd.snapshot.json_fields import Json

_COLLECTIONS = {"VirtualService": "virtual-service", "DestinationRule": "destination-rule"}
"""The kinds that shape what other resources ask for, as Istio's metadata names them."""


def write_config(origins: Iterable[Origin], kind: str) -> Json:
    """
    Give the metadata that names the resource which shaped something, the first of a kind among its origins; nothing where there is none.

    Source:
        Istio pilot/pkg/networking/util, AddConfigInfoMetadata; istioctl reads its columns VIRTUAL SERVICE and DESTINATION RULE from it.
    """
    for origin in origins:
        if origin.kind == kind:
            place = f"/apis/networking.istio.io/v1/namespaces/{origin.namespace}/{_COLLECTIONS[kind]}/{origin.name}"
            return {"metadata": {"filterMetadata": {"istio": {"config": place}}}}
    return {}
