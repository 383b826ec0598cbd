"""What a log line is made of: the faces fit what the codec gives."""

import inspect

from meshd.codec.headers import Headers
from meshd.codec.http_events import RequestHead, ResponseHead
from meshd.telemetry import logged


def test_the_codec_s_values_have_the_faces():
    """Heads and headers have every attribute that a line asks for."""
    lacking = {
        (face.__name__, name)
        for face, value in ((logged.HeaderLines, Headers([])), (logged.LoggedRequest, RequestHead()), (logged.LoggedResponse, ResponseHead()))
        for name, member in inspect.getmembers(face)
        if not name.startswith("_") and (isinstance(member, property) or inspect.isfunction(member)) and not hasattr(type(value), name)
    }
    assert set() == lacking
