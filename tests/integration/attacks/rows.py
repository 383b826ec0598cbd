"""
What attackers send, row by row, and what must come of it; the names in capitals are those of Http11Probe's smuggling suite.

Wherever a sender may mean one message and a reader take another, the second message asks for `/smuggled`, so that it is seen if it comes alive.
"""

import attrs

HOST = b"Host: svc.test\r\n"
GET = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
HIDDEN = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
CODEC, CHARACTERS = "http1.codec_error", "http1.invalid_characters"
BOTH, CODING = "http1.content_length_and_chunked_not_allowed", "http1.invalid_transfer_encoding"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@attrs.frozen
class Row:
    """
    One connection's worth of bytes.

    Attributes:
        name: Of the row.
        sends: All of them.
        statuses: Of the final answers, in order.
        details: Of the last answer, as logged.
        seen: What a back end may take for a request: method, target and body.
        closes: The last answer says that the connection closes; otherwise another request is answered on it.
    """

    name: str
    sends: bytes
    statuses: tuple[int, ...]
    details: str
    seen: tuple[str, ...] = ()
    closes: bool = True


def head(*lines: bytes, start: bytes = b"POST / HTTP/1.1") -> bytes:
    """Give a head with the usual Host."""
    return b"\r\n".join((start, b"Host: svc.test", *lines, b"", b""))


def chunks(body: bytes) -> bytes:
    """Give a request whose body is said to be chunked."""
    return head(b"Transfer-Encoding: chunked") + body


def refused(name: str, sends: bytes, details: str = CODEC, status: int = 400, *seen: str) -> Row:
    """Give a row whose last request is refused, after those that were seen."""
    return Row(name, sends, (200,) * len(seen) + (status,), details, seen)


def passed(name: str, sends: bytes, *seen: str) -> Row:
    """Give a row of requests that are all served."""
    return Row(name, sends, (200,) * len(seen), "via_upstream", seen, closes=False)


def hiding(name: str, *lines: bytes, details: str = BOTH, status: int = 400, body: bytes = b"0\r\n\r\n" + HIDDEN) -> Row:
    """Give a row with a request hidden in a body, whose length takes it in; `%d` in a line is that length."""
    return refused(name, head(*(line.replace(b"%d", b"%d" % len(body)) for line in lines)) + body, details, status)


TE, CL5 = b"Transfer-Encoding: chunked", b"Content-Length: 5"

LENGTHS = [
    hiding("CL-TE-BOTH", b"Content-Length: %d", TE),
    hiding("CLTE-PIPELINE", b"Content-Length: 4", TE),
    hiding("TECL-PIPELINE", TE, b"Content-Length: 30"),
    hiding("CLTE-CONN-CLOSE", CL5, TE, body=b"0\r\n\r\n" + GET),
    hiding("TECL-CONN-CLOSE", TE, CL5, body=b"0\r\n\r\n" + GET),
    hiding("CLTE-DESYNC", b"Content-Length: 6", TE, body=b"0\r\n\r\nX" + GET),
    hiding("TECL-DESYNC", TE, b"Content-Length: 30", body=b"0\r\n\r\nX" + GET),
    hiding("CLTE-SMUGGLED-GET", b"Content-Length: %d", TE),
    hiding("CLTE-SMUGGLED-HEAD", b"Content-Length: %d", TE, body=b"0\r\n\r\n" + HIDDEN.replace(b"GET", b"HEAD")),
    hiding("CLTE-SMUGGLED-GET-CL-PLUS", b"Content-Length: +%d", TE),
    hiding("CLTE-SMUGGLED-GET-CL-NON-NUMERIC", b"Content-Length: %dx", TE),
    hiding("CLTE-SMUGGLED-GET-TE-OBS-FOLD", b"Transfer-Encoding:\r\n chunked", b"Content-Length: %d", details=CODEC),
    hiding("CLTE-SMUGGLED-GET-TE-TRAILING-SPACE", b"Content-Length: %d", TE + b" "),
    hiding("CLTE-SMUGGLED-GET-TE-LEADING-COMMA", b"Content-Length: %d", b"Transfer-Encoding: , chunked", details=CODING, status=501),
    hiding("CLTE-SMUGGLED-GET-TE-CASE-MISMATCH", b"Content-Length: %d", b"Transfer-Encoding: Chunked"),
    hiding("TE-DUPLICATE-HEADERS-SMUGGLED-GET", TE, b"Transfer-Encoding: identity", b"Content-Length: %d", details=CODING, status=501),
    hiding("TECL-SMUGGLED-GET", TE, b"Content-Length: 4", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    hiding("DUPLICATE-CL-SMUGGLED-GET", b"Content-Length: 4", b"Content-Length: %d", details=CODEC, body=b"PING" + HIDDEN),
    hiding("DUPLICATE-CL", CL5, b"Content-Length: %d", details=CODEC),
    hiding("cl-twice-equal", b"Content-Length: %d", b"Content-Length: %d", details=CODEC),
    hiding("CL-COMMA-DIFFERENT", b"Content-Length: 5, %d", details=CODEC),
    hiding("CL-COMMA-SAME", b"Content-Length: %d, %d", details=CODEC),
    hiding("CL-COMMA-TRIPLE", b"Content-Length: %d, %d, %d", details=CODEC),
    passed("CL-TRAILING-SPACE", head(b"Content-Length: 5 \t ") + b"hello", "POST / hello"),
    passed("CL-EXTRA-LEADING-SP", head(b"Content-Length:  5") + b"hello", "POST / hello"),
    passed("CL-LEADING-ZEROS", head(b"Content-Length: 005") + b"hello", "POST / hello"),
    passed("CL-LEADING-ZEROS-OCTAL", head(b"Content-Length: 0200") + b"A" * 128 + (HIDDEN + b"B" * 72)[:72],
        f"POST / {'A' * 128}{(HIDDEN.decode() + 'B' * 72)[:72]}"),
    passed("CL-DOUBLE-ZERO", head(b"Content-Length: 00") + GET, "POST / ", "GET /next "),
    *[hiding(f"cl {value.decode('latin-1')!r}", b"Content-Length: " + value, details=CODEC) for value in (
        b"-1", b"-0", b"+%d", b"0x5", b"0o5", b"1 0", b"1_0", b"%d.0", b"%de0", b"%d;", b"%d,", b",%d", b"", b"'%d'", b'"%d"', b"\xb2", b"\xd9\xa3",
        b"%d\xa0",
        b"18446744073709551616", b"99999999999999999999", b"9223372036854775808", b"0" * 65,
    )],
    *[hiding(f"cl {value!r}", b"Content-Length: " + value, details=CHARACTERS) for value in (b"\x0b5", b"5\x0c", b"5\x00")],
    refused("cl name with a blank", head(b"Content-Length : %d" % len(HIDDEN)) + HIDDEN),
    refused("cl name with a tab", head(b"Content-Length\t: %d" % len(HIDDEN)) + HIDDEN),
    refused("cl name with a NUL", head(b"Content-Length\x00: %d" % len(HIDDEN)) + HIDDEN, CHARACTERS),
    refused("cl folded", head(b"Content-Length:\r\n %d" % len(HIDDEN)) + HIDDEN),
    refused("cl behind a fold", head(b"X: y\r\n Content-Length: %d" % len(HIDDEN)) + HIDDEN),
    refused("cl after a bare CR", head(b"X: y\rContent-Length: %d" % len(HIDDEN)) + HIDDEN),
    refused("cl after a bare LF", head(b"X: y\nContent-Length: %d" % len(HIDDEN)) + HIDDEN),
    refused("cl on the first line", b"POST / HTTP/1.1 Content-Length: 5\r\n" + HOST + b"\r\nhello"),
    passed("cl with an underscore", head(b"Content_Length: %d" % len(GET)) + GET, "POST / ", "GET /next "),
    passed("cl with other names around", head(b"X-Content-Length: 50", b"Content-Length-X: 50", CL5) + b"hello", "POST / hello"),
    refused("CL0-BODY-POISON", head(b"Content-Length: 0") + b"X" + GET, CODEC, 400, "POST / "),
    refused("no length, yet a body", head() + b"hello" + GET, CODEC, 400, "POST / "),
    passed("HEAD-CL-BODY", head(CL5, start=b"HEAD / HTTP/1.1") + b"hello" + GET, "HEAD / hello", "GET /next "),
    passed("OPTIONS-CL-BODY", head(CL5, start=b"OPTIONS / HTTP/1.1") + b"hello", "OPTIONS / hello"),
    passed("OPTIONS-CL-BODY-DESYNC", head(CL5, start=b"OPTIONS / HTTP/1.1") + b"hello" + GET, "OPTIONS / hello", "GET /next "),
    passed("GET-CL-BODY-DESYNC", head(CL5, start=b"GET / HTTP/1.1") + b"hello" + GET, "GET / hello", "GET /next "),
    passed("GET-CL-PREFIX-DESYNC", head(b"Content-Length: %d" % (len(HIDDEN) - 2), start=b"GET / HTTP/1.1") + HIDDEN[:-2] + b"\r\n" + GET,
           f"GET / {HIDDEN[:-2].decode()}", "GET /next "),
    passed("a whole request as a body", head(b"Content-Length: %d" % len(HIDDEN), start=b"GET / HTTP/1.1") + HIDDEN + GET,
           f"GET / {HIDDEN.decode()}", "GET /next "),
    passed("delete with a body", head(b"Content-Length: %d" % len(HIDDEN), start=b"DELETE / HTTP/1.1") + HIDDEN, f"DELETE / {HIDDEN.decode()}"),
    passed("EXPECT-100-CL", head(CL5, b"Expect: 100-continue") + b"hello", "POST / hello"),
    passed("EXPECT-100-CL-DESYNC", head(CL5, b"Expect: 100-continue") + b"hello" + GET, "POST / hello", "GET /next "),
    passed("expect without a body", head(b"Expect: 100-continue", start=b"GET / HTTP/1.1") + GET, "GET / ", "GET /next "),
    passed("PIPELINE-SAFE", head(start=b"GET / HTTP/1.1") + GET, "GET / ", "GET /next "),
]

CODINGS = [
    *[hiding(name, b"Transfer-Encoding: " + value, b"Content-Length: %d", details=CODING, status=501) for name, value in (
        ("TE-XCHUNKED", b"xchunked"), ("TE-DOUBLE-CHUNKED", b"chunked, chunked"), ("TE-EMPTY-VALUE", b""), ("TE-LEADING-COMMA", b", chunked"),
        ("TE-TRAILING-COMMA", b"chunked,"), ("TE-IDENTITY", b"identity"), ("CHUNKED-WITH-PARAMS", b"chunked;ext=val"), ("te gzip", b"gzip, chunked"),
        ("te chunked gzip", b"chunked, gzip"), ("te quoted", b'"chunked"'), ("te quoted once", b"'chunked"), ("te blank inside", b"chun ked"),
        ("te semicolon", b"chunked;"), ("te cow", b"cow"), ("te latin1", b"chunked\xa0"), ("te kelvin", "chun\u212aed".encode()),
        ("te null word", b"null"),
    )],
    *[hiding(name, b"Transfer-Encoding: " + value, details=CODING, status=501) for name, value in (
        ("te xchunked without cl", b"xchunked"), ("te identity without cl", b"identity"), ("te empty without cl", b""),
        ("te identity chunked", b"identity, chunked"), ("te chunked identity", b"chunked, identity"), ("te deflate", b"deflate"),
    )],
    hiding("TE-TRAILING-SPACE", TE + b" ", CL5),
    hiding("TE-CASE-MISMATCH", b"Transfer-Encoding: Chunked", CL5),
    hiding("TE-TAB-BEFORE-VALUE", b"Transfer-Encoding:\tchunked", CL5),
    hiding("TE-SP-BEFORE-COLON", b"Transfer-Encoding : chunked", CL5, details=CODEC),
    hiding("TE-OBS-FOLD", b"Transfer-Encoding:\r\n chunked", CL5, details=CODEC),
    hiding("OPTIONS-TE-OBS-FOLD", b"X-A: b\r\nTransfer-Encoding:\r\n\tchunked", CL5, details=CODEC),
    hiding("TE-DUPLICATE-HEADERS", TE, b"Transfer-Encoding: identity", CL5, details=CODING, status=501),
    hiding("te twice", TE, TE, details=CODING, status=501),
    hiding("te twice, the first empty", b"Transfer-Encoding:", TE, details=CODING, status=501),
    hiding("TE-NOT-FINAL-CHUNKED", b"Transfer-Encoding: chunked, gzip", details=CODING, status=501),
    refused("TE-HTTP10", head(TE, start=b"POST / HTTP/1.0") + b"0\r\n\r\n" + HIDDEN, "low_version", 426),
    *[hiding(name, line, b"Content-Length: %d", details=details) for name, line, details in (
        ("TE-VTAB", b"Transfer-Encoding: \x0bchunked", CHARACTERS), ("TE-FORMFEED", b"Transfer-Encoding: \x0cchunked", CHARACTERS),
        ("TE-NULL", b"Transfer-Encoding: chunked\x00", CHARACTERS), ("te del", b"Transfer-Encoding: \x7fchunked", CHARACTERS),
        ("te bare cr", b"Transfer-Encoding: chunked\r,", CODEC), ("te bare lf", b"X: y\nTransfer-Encoding: chunked", CODEC),
        ("te after a cr", b"X: y\rTransfer-Encoding: chunked", CODEC), ("te nul name", b"Transfer-Encoding\x00: chunked", CHARACTERS),
        ("te tab name", b"Transfer-Encoding\t: chunked", CODEC), ("te leading blank", b" Transfer-Encoding: chunked", CODEC),
        ("te latin1 name", b"Transfer\xadEncoding: chunked", CODEC), ("te no colon", b"Transfer-Encoding chunked", CODEC),
    )],
    passed("TRANSFER_ENCODING", head(b"Transfer_Encoding: chunked", CL5) + b"hello" + GET, "POST / hello", "GET /next "),
    passed("te without cl", chunks(b"5\r\nhello\r\n0\r\n\r\n") + GET, "POST / hello", "GET /next "),
    passed("te on GET", head(TE, start=b"GET / HTTP/1.1") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN) + GET,
           f"GET / {HIDDEN.decode()}", "GET /next "),
    passed("te in lower case", head(b"tRANSFER-eNCODING: CHUNKED") + b"5\r\nhello\r\n0\r\n\r\n", "POST / hello"),
    *[refused(f"connection names {name.decode()}", head(TE, b"Connection: " + name) + b"0\r\n\r\n", "http1.connection_header_rejected") for name in (
        b"transfer-encoding", b"Transfer-Encoding, close", b"content-length", b"host", b"authorization", b"cookie", b"x-forwarded-for",
        b"x-envoy-original-path", b"forwarded",
    )],
    refused("connection names a cl that is there", head(CL5, b"Connection: Content-Length") + b"hello", "http1.connection_header_rejected"),
    refused("connection names many", head(b"Connection: " + b", ".join(b"x%d" % n for n in range(10))), "http1.connection_header_rejected"),
]

CHUNKS = [
    *[refused(name, chunks(body + HIDDEN)) for name, body in (
        ("CHUNK-UNDERSCORE", b"1_0\r\nhello world!!!!!\r\n0\r\n\r\n"), ("CHUNK-HEX-PREFIX", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("CHUNK-SIZE-PLUS", b"+5\r\nhello\r\n0\r\n\r\n"), ("CHUNK-LEADING-SP", b" 5\r\nhello\r\n0\r\n\r\n"),
        ("CHUNK-NEGATIVE", b"-1\r\nhello\r\n0\r\n\r\n"), ("CHUNK-INVALID-SIZE-DESYNC", b"+0\r\n\r\nX"),
        ("CHUNK-MISSING-TRAILING-CRLF", b"5\r\nhello0\r\n\r\n"), ("CHUNK-SPILL", b"5\r\nhello!!\r\n0\r\n\r\n"),
        ("CHUNK-EXT-LF", b"5;\nhello\r\n0\r\n\r\n"), ("CHUNK-EXT-CR", b"5;a\rX\r\nhello\r\n0\r\n\r\n"),
        ("CHUNK-EXT-CTRL", b"5;\x00ext\r\nhello\r\n0\r\n\r\n"),
        ("CHUNK-LF-TERM", b"5\r\nhello\n0\r\n\r\n"), ("CHUNK-LF-TRAILER", b"5\r\nhello\r\n0\r\n\n"), ("CHUNK-BARE-CR-TERM", b"5\rhello\r\n0\r\n\r\n"),
        ("chunk size lf", b"5\nhello\r\n0\r\n\r\n"), ("chunk size 2**60", b"1000000000000000\r\nhello"),
        ("chunk size 2**64", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("chunk size 2**64 - 1", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), ("chunk size 2**128", b"f" * 32 + b"\r\nhello\r\n0\r\n\r\n"),
        ("chunk size empty", b"\r\nhello\r\n0\r\n\r\n"), ("chunk size latin1", b"5\xb2\r\nhello\r\n0\r\n\r\n"),
        ("chunk size comma", b"5,0\r\nhello\r\n0\r\n\r\n"),
        ("chunk size two words", b"5 5\r\nhello\r\n0\r\n\r\n"), ("chunk size nul", b"5\x00\r\nhello\r\n0\r\n\r\n"),
        ("chunk size vt", b"5\x0b\r\nhello\r\n0\r\n\r\n"),
        ("chunk ext ff lf", b"5;\x0c\n\r\nhello\r\n0\r\n\r\n"), ("chunk ext too long", b"5;" + b"a" * 9000 + b"\r\nhello\r\n0\r\n\r\n"),
        ("chunk trailer lf", b"0\r\nX: y\nZ: w\r\n\r\n"), ("chunk trailer fold", b"0\r\nX: y\r\n z\r\n\r\n"),
        ("chunk trailer no colon", b"0\r\nGET / HTTP/1.1\r\n\r\n"),
        ("chunk trailer nul", b"0\r\nX: \x00\r\n\r\n"), ("chunk trailer blank name", b"0\r\nX : y\r\n\r\n"),
        ("chunk trailers many", b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n"),
        ("chunk last with data", b"0\r\nX\r\n\r\n"), ("chunk cr lf cr", b"5\r\nhello\r\r\n0\r\n\r\n"),
    )],
    *[passed(name, chunks(body) + GET, "POST / hello", "GET /next ") for name, body in (
        ("CHUNK-BARE-SEMICOLON", b"5;\r\nhello\r\n0\r\n\r\n"), ("CHUNK-EXT-INVALID-TOKEN", b"5;bad[=x\r\nhello\r\n0\r\n\r\n"),
        ("CHUNK-SIZE-TRAILING-OWS", b"5 \r\nhello\r\n0\r\n\r\n"), ("TRAILER-CL", b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"),
        ("TRAILER-TE", b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), ("TRAILER-HOST", b"5\r\nhello\r\n0\r\nHost: evil.test\r\n\r\n"),
        ("TRAILER-AUTH", b"5\r\nhello\r\n0\r\nAuthorization: Bearer evil\r\n\r\n"),
        ("TRAILER-CONTENT-TYPE", b"5\r\nhello\r\n0\r\nContent-Type: text/evil\r\n\r\n"),
        ("chunk zeros", b"00000000000000000005\r\nhello\r\n000\r\n\r\n"), ("chunk ext quoted", b'5;a="\\"; b"\r\nhello\r\n0;z\r\n\r\n'),
        ("chunk by chunk", b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n"),
    )],
    passed("chunk of a chunk", chunks(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n") + GET, "POST / 0\r\n\r\n", "GET /next "),
    passed("chunk of a request", chunks(b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)), f"POST / {HIDDEN.decode()}"),
]
