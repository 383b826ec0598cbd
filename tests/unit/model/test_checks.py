"""What texts must look like."""

import pytest

from meshd.model import checks

LONG = "a" * 64


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (checks.label_name, ["a", "my-nginx", "1a", "a" * 63], ["", "A", "a.b", "-a", "a-", "a_b", "ä", LONG, "a\n"]),
        (checks.subdomain_name, ["a", "a.b", "1.2"], ["", "A", "a..b", ".a", "a.", "a/b", f"{LONG}.a", "a." * 127 + "a"]),
        (checks.host_name, ["a.b", "example.com", "example.com."], ["", ".", "A.b", "*.a", "a b", "a:80"]),
        (checks.ip_address, ["1.2.3.4", "::1", "fe80::1", "::ffff:1.2.3.4"], ["", "1.2.3", "1.2.3.04", "1.2.3.4/8", "fe80::1%eth0", "[::1]", "x"]),
        (checks.ipv4_address, ["1.2.3.4"], ["::1", "x", ""]),
        (checks.ipv6_address, ["::1"], ["1.2.3.4", "x", ""]),
        (checks.label_key, ["app", "a.b/c", "A_b-c.d", "a/" + "b" * 63], ["", "/a", "a/", "a/b/c", "-a", "a b", "A.b/c", LONG]),
        (checks.annotation_key, ["app", "a.b/exportTo", "A.b/c"], ["", "a b", "a/"]),
        (checks.label_value, ["", "v1", "A_b.c-d", "a" * 63], ["-a", "a-", "a b", "ä", LONG, "a/b"]),
        (checks.port_name, ["http", "http-web", "a1"], ["", "80", "a--b", "-a", "HTTP", "a" * 16, "a_b"]),
        (checks.port_range, ["1", "80", "8000-8010", "65535", "80-80"], ["", "0", "65536", "80-70", "-80", "80-", "a", "80,81", "٣", " 80", "80\n"]),
        (checks.cidr, ["10.0.0.0/8", "10.0.0.1", "::/0", "10.1.2.3/8"], ["", "10.0.0.0/33", "10/8", "x", "fe80::1%eth0/64"]),
        (checks.account, ["0", "1337", "meshd", "_a", "a-b.c", "svc$"], ["", "-1", "4294967295", "A", "a b", "a/b", "12345678901", "0x1"]),
        (checks.interface, ["eth0", "br-1234", "eth0.1@x"], ["", "a" * 16, "a/b", "a b", ".", "..", "a\n", 'a"b']),
        (checks.export_to, ["*", ".", "~", "prod"], ["", "**", "a.b", "A"]),
        (checks.one_line, ["a", "a b", "ä"], ["", "a\nb", "\x1b"]),
        (checks.app_protocol, ["http", "kubernetes.io/h2c", "HTTP"], ["", "a b", "a/b/c"]),
    ],
)
def test_tells_good_from_bad(check, good, bad):
    """Nothing for what is right, what was expected for the rest."""
    assert ([], []) == ([text for text in good if check(text)], [text for text in bad if not check(text)])
