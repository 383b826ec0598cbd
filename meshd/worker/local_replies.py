"""Answers that meshd makes up itself, as heads and bodies."""

from meshd.codec.local_reply import begin_reply, is_grpc, tell_grpc, tell_of_body
from meshd.snapshot.replies import Reply
from meshd.worker.exchange import Exchange


def build_reply(exchange: Exchange, reply: Reply) -> bytes:
    """
    Make a reply the response of an exchange, complete but for who answers and when.

    Returns:
        The body that follows the head; a gRPC client gets none, its message is a header.
    """
    head = exchange.response = begin_reply(reply.status)
    headers = head.headers
    route = exchange.route
    finish = route.finish if route is not None and reply.changes == ("before" if route.answer is None else "after") else None
    exchange.status = 0  # as Envoy's format strings see it
    if finish is not None and reply.changes == "before":
        finish(exchange)
    for name, value in reply.headers:
        if not (exchange.quiet and name.startswith("x-envoy-")):
            headers.add(name.encode(), value.encode("latin-1"))
    if finish is not None and reply.changes == "after":
        finish(exchange)
    body = reply.body.encode("utf-8", "surrogateescape")
    if is_grpc(exchange.request.headers):
        tell_grpc(head, body if exchange.request.method != b"HEAD" else b"", reply.grpc_status.encode())
        body = b""
    else:
        tell_of_body(head, body)
    exchange.status = head.status
    return body
