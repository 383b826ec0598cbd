"""HTTP/1.1, both directions: the readers that turn bytes to events and the functions that turn heads to bytes."""

from meshd.codec.http1_encode import LAST_CHUNK, add_chunk, encode_request, encode_response, encode_trailers
from meshd.codec.http1_request import RequestReader
from meshd.codec.http1_response import ResponseReader

__all__ = ["LAST_CHUNK", "RequestReader", "ResponseReader", "add_chunk", "encode_request", "encode_response", "encode_trailers"]
