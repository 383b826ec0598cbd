"""Rows about request lines, header lines, hosts, sizes and the order of pipelined requests; as `rows.py` has them."""

from tests.integration.attacks.rows import CHARACTERS, CODEC, GET, HIDDEN, HOST, Row, head, passed, refused

LOW, AUTHORITY, URL = "low_version", "http.invalid_authority", "http1.invalid_url"


def line(start: bytes) -> bytes:
    """Give a request of a line and Host."""
    return start + b"\r\n" + HOST + b"\r\n"


def get(*lines: bytes) -> bytes:
    """Give a GET with further header lines."""
    return head(*lines, start=b"GET / HTTP/1.1")


REQUEST_LINES = [
    *[refused(f"version {start!r}", line(start), LOW, 426) for start in (
        b"GET /", b"GET / HTTP/0.9", b"GET / HTTP/1.0", b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/3.0", b"GET / HTTP/9.9", b"POST /",
    )],
    refused("HTTP/0.9 without headers", b"GET /\r\n\r\n", LOW, 426),
    *[refused(f"line {start!r}", line(start)) for start in (
        b"GET / HTTP/1", b"GET / HTTP/11", b"GET / HTTP/1.10", b"GET / HTTP/01.1", b"GET / HTTP/1.1.1", b"GET / HTTP/+1.1", b"GET / http/1.1",
        b"GET / HTTP / 1.1", b"GET / HTTP/1.1 ", b"GET / HTTP/1.1\t", b"GET / HTTP/1.1 x", b"GET / HTTPS/1.1", b"GET / ICE/1.0", b"GET / HTTP/1,1",
        "GET / HTTP/1.\u0661".encode(), b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b" GET / HTTP/1.1",
        b"\tGET / HTTP/1.1", b"\xefGET / HTTP/1.1", b"GET/ HTTP/1.1", b"GET", b"GET ", b"GET  HTTP/1.1", b"/ HTTP/1.1", b"HTTP/1.1 200 OK",
        b"get / HTTP/1.1",
        b"Get / HTTP/1.1", b"GETGET / HTTP/1.1", b"FOO / HTTP/1.1", b"GE\xc9T / HTTP/1.1", b"G(T / HTTP/1.1", b"POST / HTTP/1.1 HTTP/1.1",
        b"GET / HTTP/1.1 GET /smuggled HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /a\tb HTTP/1.1", b"GET a HTTP/1.1", b"GET ?a HTTP/1.1",
        b"GET #a HTTP/1.1",
        b"GET \\ HTTP/1.1", b"GET /caf\xc3\xa9 HTTP/1.1", b"GET //\xff HTTP/1.1", b"GET /\x80 HTTP/1.1", b"GET svc.test:80 HTTP/1.1",
        b"GET http:/a HTTP/1.1",
        b"GET http:a HTTP/1.1", b"GET ://svc.test/ HTTP/1.1", b"GET h\xffttp://svc.test/ HTTP/1.1",
    )],
    *[refused(f"line {start!r}", line(start), CHARACTERS) for start in (
        b"GET /\x00 HTTP/1.1", b"GET /a\x01b HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /\x0b HTTP/1.1", b"GET / HTTP/1.1\x00",
        b"GET \x0b/ HTTP/1.1",
    )],
    refused("line ends in LF", b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    refused("line ends in CR", b"GET / HTTP/1.1\r" + HOST + b"\r\n"),
    refused("line ends in CR CR LF", b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n"),
    refused("all lines end in LF", b"GET / HTTP/1.1\nHost: svc.test\n\n"),
    refused("head ends in LF LF", b"GET / HTTP/1.1\r\nHost: svc.test\n\n" + HIDDEN),
    refused("head ends in CRLF LF", b"GET / HTTP/1.1\r\nHost: svc.test\r\n\n" + HIDDEN),
    refused("head ends in LF CRLF", b"GET / HTTP/1.1\r\nHost: svc.test\n\r\n" + HIDDEN),
    refused("head ends in CR CR", b"GET / HTTP/1.1\r\nHost: svc.test\r\r" + HIDDEN),
    refused("blank first line", b"   \r\n\r\n"),
    refused("LF first", b"\n" + GET),
    refused("CR first", b"\r" + GET),
    refused("many empty lines first", b"\r\n" * 17 + GET),
    passed("some empty lines first", b"\r\n" * 16 + GET, "GET /next "),
    passed("empty lines between", GET + b"\r\n\r\n" + GET, "GET /next ", "GET /next "),
    refused("binary", bytes(range(128, 256)) * 2),
    refused("a byte order mark", b"\xef\xbb\xbf" + GET),
    refused("a proxy protocol line", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET),
    refused("connect without a port", b"CONNECT svc.test HTTP/1.1\r\n" + HOST + b"\r\n", URL),
    refused("connect to port 0", b"CONNECT svc.test:0 HTTP/1.1\r\n" + HOST + b"\r\n", URL),
    refused("connect to a path", b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n", URL),
    refused("connect with early data", b"CONNECT svc.test:80 HTTP/1.1\r\n" + HOST + b"\r\n" + HIDDEN, "route_not_found", 404),
    refused("asterisk of GET", b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", URL),
    refused("ftp", b"GET ftp://svc.test/ HTTP/1.1\r\n" + HOST + b"\r\n", "http1.invalid_scheme"),
]

HEADER_LINES = [
    *[refused(f"header {text!r}", get(text)) for text in (
        b"X: a\rb", b"X: a\r", b"X: \r\rb", b"X: a\nb", b"X: a\n\nGET /smuggled HTTP/1.1", b" X: a", b"\tX: a", b"X: a\r\n b", b"X: a\r\n\tb",
        b"X : a", b"X\t: a",
        b": a", b":path: /smuggled", b":authority: evil.test", b"X", b"X a", b"X y: a", b"X(: a", b"X\xe9: a", b"\xff: a", b"X/: a", b'X": a',
        b"X@: a", b"{X}: a",
        b"GET /smuggled HTTP/1.1", b"X;y: a", b"X,Y: a", b"[x]: a",
    )],
    *[refused(f"header {text!r}", get(text), CHARACTERS) for text in (
        b"X: a\x00b", b"X: \x01", b"X: a\x0bb", b"X: a\x0cb", b"X: \x1b[31m", b"X: a\x7f", b"X\x00Y: a", b"X\x0b: a", b"\x00: a", b"X: \x08",
    )],
    passed("header values of all allowed bytes", get(b"X: " + bytes([9, *range(32, 127), *range(128, 256)]) + b"x"), "GET / "),
    passed("header values that look like lines", get(b"X: a%0d%0aY: b", b"Y: \\r\\nZ: w", "Z: \u560a\u560d".encode()), "GET / "),
    passed("empty header value", get(b"X:", b"Y: \t "), "GET / "),
    passed("some 90 headers", get(*[b"x%d: y" % n for n in range(90)]), "GET / "),
    refused("101 headers", get(*[b"x%d: y" % n for n in range(100)]), "http1.too_many_headers", 431),
    refused("10,000 headers", get(*[b"x%d: y" % n for n in range(10_000)]), "http1.headers_too_large", 431),
    refused("a header of 100 KB", get(b"x: " + b"y" * 100_000), "http1.headers_too_large", 431),
    refused("a header name of 100 KB", get(b"x" * 100_000 + b": y"), "http1.headers_too_large", 431),
    refused("a path of 100 KB", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "http1.headers_too_large", 431),
    refused("a method of 100 KB", b"A" * 100_000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("no host", b"GET / HTTP/1.1\r\n\r\n", "missing_host_header"),
    refused("no host, hop by hop", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "missing_host_header"),
    refused("upgrade to what is not served", get(b"Connection: Upgrade", b"Upgrade: nothing") + HIDDEN, "upgrade_failed", 403),
    passed("upgrade without connection", get(b"Upgrade: websocket") + GET, "GET / ", "GET /next "),
    passed("h2c", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"), "GET / "),
]

HOSTS = [
    *[refused(f"host {value!r}", b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n", AUTHORITY) for value in (
        b"svc.test x", b"svc.test/x", b"svc.test\\x", b"svc.test?x", b"svc.test#x", "\u0455vc.test".encode(), b"svc.test\xff", b"svc.test\tx",
        b'"svc.test"', b"{svc}",
        b"svc.test^", b"svc.test|x", b"<svc.test>", b"svc.test, evil.test",
    )],
    *[Row(f"host {value!r}", b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n", (404,), "route_not_found", (), closes=False) for value in (
        b"", b"svc.test,evil.test", b"user@svc.test", b"svc.test@evil.test", b"svc.test.evil.test", b"xsvc.test", b"svc.test%2eevil", b"[::1]",
        b"xn--svc.test", b"svc.test%00",
    )],
    refused("two hosts", b"GET / HTTP/1.1\r\nHost: svc.test\r\nHost: evil.test\r\n\r\n", AUTHORITY),
    refused("two equal hosts", b"GET / HTTP/1.1\r\nHost: svc.test\r\nHost: svc.test\r\n\r\n", AUTHORITY),
    refused("two hosts, the first empty", b"GET / HTTP/1.1\r\nHost:\r\nHost: svc.test\r\n\r\n", AUTHORITY),
    refused("two hosts, other headers between", b"GET / HTTP/1.1\r\nHost: svc.test\r\nX: y\r\nhost: evil.test\r\n\r\n", AUTHORITY),
    refused("two hosts and an absolute form", b"GET http://svc.test/ HTTP/1.1\r\nHost: svc.test\r\nHost: evil.test\r\n\r\n", AUTHORITY),
    refused("host with a blank before the colon", b"GET / HTTP/1.1\r\nHost : svc.test\r\n\r\n"),
    refused("host folded", b"GET / HTTP/1.1\r\nHost:\r\n svc.test\r\n\r\n"),
    passed("host in upper case", b"GET / HTTP/1.1\r\nHost: SVC.TEST\r\n\r\n", "GET / "),
    passed("host with a port", b"GET / HTTP/1.1\r\nHost: svc.test:80\r\n\r\n", "GET / "),
    passed("ABSOLUTE-URI-HOST-MISMATCH", b"GET http://svc.test/a HTTP/1.1\r\nHost: evil.test\r\n\r\n", "GET /a "),
    passed("absolute form with user information", b"GET http://evil.test@svc.test/a HTTP/1.1\r\nHost: svc.test\r\n\r\n", "GET /a "),
    Row("absolute form of another host", b"GET http://evil.test/a HTTP/1.1\r\nHost: svc.test\r\n\r\n", (404,), "route_not_found", (), closes=False),
    *[refused(f"absolute form {start!r}", b"GET " + start + b" HTTP/1.1\r\n" + HOST + b"\r\n", details) for start, details in (
        (b"http:///a", URL), (b"http://svc.test@/a", URL), (b"http://svc .test/", CODEC), (b"http://svc\\test/", AUTHORITY),
        (b"http://{svc}/", AUTHORITY),
        (b"file:///etc/passwd", "http1.invalid_scheme"), (b"gopher://svc.test/", "http1.invalid_scheme"), (b"http//svc.test/", CODEC),
    )],
]

PIPELINES = [
    Row("an error between good requests", GET + b"GARBAGE\r\n\r\n" + HIDDEN, (200, 400), CODEC, ("GET /next ",)),
    Row("close in the first of two", head(b"Connection: close", start=b"GET / HTTP/1.1") + HIDDEN, (200,), "via_upstream", ("GET / ",)),
    Row("close in the first of two, with a body", head(b"Connection: close", b"Content-Length: 5") + b"hello" + HIDDEN, (200,), "via_upstream",
        ("POST / hello",)),
    Row("proxy-connection", head(b"Proxy-Connection: close", start=b"GET / HTTP/1.1") + HIDDEN, (200,), "via_upstream", ("GET / ",)),
    passed("a hundred in one write", b"".join(b"GET /%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(100)), *[f"GET /{n} " for n in range(100)]),
    passed("all framings in one write",
        (head(b"Content-Length: 5") + b"hello" + head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n" + GET) * 4,
           *["POST / hello", "POST / hello", "GET /next "] * 4),
    Row("an answer of our own between", GET + b"GET / HTTP/1.1\r\nHost: none.test\r\n\r\n" + GET, (200, 404, 200), "via_upstream",
        ("GET /next ", "GET /next "), closes=False),
    Row("a body behind an answer of our own", b"POST / HTTP/1.1\r\nHost: none.test\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
        (404,), "route_not_found"),
    Row("a chunked body behind an answer of our own", b"POST / HTTP/1.1\r\nHost: none.test\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN,
        (404,), "route_not_found"),
    passed("heads that come again", get(b"X: 1") * 5 + get(b"X: 2") * 3 + get(b"X: 1", b"Content-Length: 5") + b"hello" + get(b"X: 1"),
        *["GET / "] * 8, "GET / hello", "GET / "),
    refused("heads that come again, but for the length", get(b"X: 1") * 3 + get(b"X: 1", b"Content-Length: 5", b"Content-Length: 6") + b"hello!",
        CODEC, 400, *["GET / "] * 3),
    refused("heads that come again, in another version", get(b"X: 1") * 3 + get(b"X: 1").replace(b"1.1", b"1.0"), LOW, 426, *["GET / "] * 3),
    refused("heads that come again, after a blank", get(b"X: 1") * 3 + get(b"X: 1").replace(b"GET ", b"GET  "), CODEC, 400, *["GET / "] * 3),
]
