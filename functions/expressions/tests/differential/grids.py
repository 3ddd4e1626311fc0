"""Snippets that follow a scheme: every value with every format, every pattern with every text."""

from itertools import product

from pairs import characters, operators


def formatting():
    """Numbers and texts in the format specifications that bodies use."""
    for value, spec in product(
        (0, 7, -7, 1234567, 2**70), ("d", "5d", "<6d", "^7d", "+d", " d", "05d", ",", "_d", "x", "#x", "08b", "e", ".2f", "%")
    ):
        yield f"format({value}, {spec!r})"
    for value, spec in product(
        (0.0, -0.0, 1.5, 2.5, -2.675, 1234567.891, 1e-7, 1e20, float("inf")),
        ("", ".0f", ".1f", ".2f", "8.3f", "+.2f", "08.2f", ",.2f", "e", ".3e", "g", ".3g", ".1%", "<10", "n"),
    ):
        text = f"float('{value}')" if value == float("inf") else repr(value)
        yield f"format({text}, {spec!r})"
    for value, spec in product(("", "abc", "é"), ("", "5", "<5", ">5", "^6", "*^7", ".2", "5.1", "s", "05")):
        yield f"format({value!r}, {spec!r})"
    for value, spec in product((5, -5, 3.75, -0.001, 1e10), ("%d", "%5d|", "%-7d|", "%07.2f", "%+.1f", "%e", "%g", "%.3g", "%s", "%r", "%x")):
        yield f"{spec!r} % {value!r}"


def numbers():
    """Division, remainders and rounding around zero and halves."""
    for a, b in product((7, -7, 7.5, -7.5, 0, 2**65), (2, -2, 0.3, 3)):
        yield f"[{a} // {b}, {a} % {b}, divmod({a}, {b}), {a} / {b}]"
    for value, digits in product((0.125, 0.375, 2.5, -2.5, 1e-3, 123.456, 99.995, 5.015), (None, 0, 1, 2, -1)):
        yield f"round({value}, {digits})"
    for a, op, b in product((1, 1.5, True), ("<", "<=", "==", "!=", ">", ">="), (1, 1.5, 2**64)):
        yield f"{a} {op} {b}"


def re():
    """Patterns in each of the functions of `re`."""
    yield "import re"
    patterns = (
        r"\d+", r"[a-z]+", r"^a", r"c$", r"a|b", r"(a)(b)?", r"x*", r"\b", r"(?P<n>[ab])", r"(?i)AB", r"\s*,\s*", r"(?:a|b)+",
        r"a{2,}", r".", r"^", r"$", r"[^a]", r"(?=b)", r"(?<=a)b", r"(\w)\1",
    )
    texts = ("", "abc", "aab, b1c22", "a\nb\n", "ABab")
    for pattern, text in product(patterns, texts):
        yield (
            f"[re.findall({pattern!r}, {text!r}), re.sub({pattern!r}, '-', {text!r}), re.split({pattern!r}, {text!r}), "
            f"[m.span() for m in re.finditer({pattern!r}, {text!r})]]"
        )
        yield (
            f"[bool(re.match({pattern!r}, {text!r})), bool(re.fullmatch({pattern!r}, {text!r})), "
            f"(lambda m: m and (m.group(), m.groups(), m.groupdict(), m.span()))(re.search({pattern!r}, {text!r}))]"
        )


def datetime():
    """Formats, parsing and arithmetic of a few moments."""
    yield "from datetime import date, datetime, time, timedelta, timezone"
    moments = (
        "datetime(2023, 2, 15, 15, 33, 42, 771091)",
        "datetime(2024, 2, 29, 0, 0)",
        "datetime(1999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)",
        "datetime(2023, 7, 1, 12, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))",
        "datetime(2023, 1, 9, 1, 2, 3, 4, tzinfo=timezone(-timedelta(hours=3)))",
    )
    for moment in moments:
        for code in "a A b B d H I j m M p S U u V w W x X y Y z Z G c f % D F T R".split():
            yield f"{moment}.strftime('%{code}')"
        for call in (
            "isoformat()", "isoformat(' ')", "isoformat(timespec='seconds')", "isoformat(timespec='milliseconds')", "date()", "time()",
            "timetz()", "weekday()", "isoweekday()", "isocalendar()[:]", "toordinal()", "utcoffset()", "tzname()", "dst()",
            "replace(hour=1, microsecond=0)", "replace(tzinfo=None)", "timetuple()[:9]", "ctime()", "tzinfo", "day", "microsecond",
            "__class__.__name__", "utctimetuple()[:6]", "astimezone(timezone.utc)", "timestamp()", "fold",
        ):
            if "Z" in call or ("tzinfo" not in moment and call in ("timestamp()", "astimezone(timezone.utc)")):
                continue
            yield f"{moment}.{call}"
        for delta in ("days=1", "hours=-25", "weeks=2, minutes=3", "seconds=0.5", "milliseconds=1500", "microseconds=-1"):
            yield f"{moment} + timedelta({delta})"
            yield f"{moment} - timedelta({delta})"
    for a, b in product(moments[:2], moments[:2]):
        yield f"[{a} - {b}, {a} < {b}, {a} == {b}, {a} >= {b}]"
    for a, b in product(moments[2:], moments[2:]):
        yield f"[{a} - {b}, {a} < {b}, {a} == {b}, {a} >= {b}]"
    for text in (
        "2023-02-15", "2023-02-15T15:33", "2023-02-15T15:33:42", "2023-02-15 15:33:42", "2023-02-15T15:33:42.5", "2023-02-15T15:33:42.771",
        "2023-02-15T15:33:42.771091", "2023-02-15T15:33:42Z", "2023-02-15T15:33:42+00:00", "2023-02-15T15:33:42-03:30", "20230215",
        "20230215T153342", "2023-W07-3", "2023-02-15T15", "2023-02-15T15:33:42+0200", "2023-02-30", "nonsense", "", "2023-2-5",
        "2023-02-15T25:00", "2023-02-15T15:33:42,5", "2023-02-15T15:33:42.7710911", "2023-02-15T15:33:42+02:00:30",
    ):
        yield f"datetime.fromisoformat({text!r})"
        yield f"date.fromisoformat({text!r})"
    for text, form in (
        ("2023-02-15", "%Y-%m-%d"), ("15/02/23", "%d/%m/%y"), ("15 Feb 2023", "%d %b %Y"), ("February 5, 2023", "%B %d, %Y"),
        ("2023-02-15T15:33:42Z", "%Y-%m-%dT%H:%M:%SZ"), ("2023-02-15 15:33:42.5", "%Y-%m-%d %H:%M:%S.%f"),
        ("2023-02-15T15:33:42+0200", "%Y-%m-%dT%H:%M:%S%z"), ("2023-02-15T15:33:42+02:00", "%Y-%m-%dT%H:%M:%S%z"),
        ("03:05 PM", "%I:%M %p"), ("12:05 am", "%I:%M %p"), ("Wed 15", "%a %d"), ("2023 046", "%Y %j"), ("2023-02-15", "%d"), ("x", "%Y"),
        ("15.02.2023 03:04", "%d.%m.%Y %H:%M"), ("1:2:3", "%H:%M:%S"), ("99", "%y"), ("68", "%y"), ("2023-02-15T15:33:42Z", "%Y-%m-%dT%H:%M:%S%z"),
        ("2023-02-30", "%Y-%m-%d"), (" 2023", "%Y"), ("10%", "%d%%"),
    ):
        yield f"datetime.strptime({text!r}, {form!r})"


def json():
    """Values in the forms of `dumps`, and texts that `loads` reads or refuses."""
    yield "import json"
    values = (
        "None", "True", "1", "-0.0", "1.5", "1e100", "1e16", "2 ** 70", "'é\\n\"/\\u2028'", "[]", "{}", "[1, [2, {}]]", "(1, 'a')",
        "{'b': 1, 'a': [None, True]}", "{1: 2, None: 3, True: 4, 1.5: 5}", "float('nan')", "float('inf')", "'\\x7f\\x00'",
    )
    options = ("", ", indent=2", ", sort_keys=True", ", separators=(',', ':')", ", ensure_ascii=False", ", indent='\\t'", ", indent=0")
    for value, option in product(values, options):
        if "None: 3" in value and "sort_keys" in option:
            continue
        yield f"json.dumps({value}{option})"
    for text in (
        "1", "-1.5e3", "1E2", "null", "true", '"a"', '"\\u00e9\\n"', '"\\ud83e\\udd80"', "[1, 2]", '{"a": {"b": []}}', " [ 1 ] ", "NaN",
        "-Infinity", "123456789012345678901234567890", "1.0", "-0", "-0.0", "1e400", '{"a": 1, "a": 2}', "", "{", "[1,]", "{'a': 1}", "01", "1.",
        "nul", '"a', "[1] 2", '"\\x"', '"\t"', "+1", ".5", "\ufeff1", '{"a" 1}', '{1: 2}',
    ):
        yield f"json.loads({text!r})"


def ipaddress():
    """Every property of addresses and networks of each kind, except those that changed between CPython 3.11 and 3.13."""
    yield "import ipaddress"
    yield "from ipaddress import ip_address, ip_network"
    addresses = (
        "10.1.2.3", "8.8.8.8", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1", "0.0.0.0", "255.255.255.255", "100.64.0.1", "192.0.2.1",
        "::1", "::", "fe80::1", "fc00::1", "2001:db8::1", "2001:4860:4860::8888", "ff02::1", "fec0::1",
    )
    properties = (
        "is_private is_global is_loopback is_link_local is_multicast is_reserved is_unspecified version max_prefixlen compressed exploded "
        "reverse_pointer packed"
    ).split()
    for address in addresses:
        yield f"ip_address({address!r})"
        yield f"[str(ip_address({address!r})), int(ip_address({address!r})), hash(ip_address({address!r})) == hash(ip_address({address!r}))]"
        yield "[" + ", ".join(f"ip_address({address!r}).{name}" for name in properties) + "]"
    for network in ("10.0.0.0/8", "192.0.2.0/25", "0.0.0.0/0", "192.0.2.7/32", "127.0.0.0/8", "2001:db8::/32", "::/0", "::1/128", "fe80::/10"):
        yield f"ip_network({network!r})"
        for name in (
            "network_address broadcast_address netmask hostmask num_addresses prefixlen with_prefixlen with_netmask with_hostmask version "
            "is_private is_global is_loopback is_link_local is_multicast is_reserved is_unspecified compressed exploded max_prefixlen "
            "supernet()"
        ).split():
            yield f"ip_network({network!r}).{name}"
        yield f"[ip_address(a) in ip_network({network!r}) for a in ('10.1.2.3', '192.0.2.7', '::1', '2001:db8::1')]"
        yield f"[ip_network({network!r}).overlaps(ip_network(n)) for n in ('10.1.0.0/16', '0.0.0.0/0', '192.0.2.128/25')]"
    for text in (
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4/24", " 1.2.3.4", "1.2.3.4 ", "::1%eth0", ":::", "1::2::3", "g::", "12345::",
        "::1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "::ffff:1.2.3.400", "a", "1.2.3.4\n", "0x1.2.3.4", "1.2.3.-4", "١.٢.٣.٤",
    ):
        yield f"ip_address({text!r})"
    for text in (
        "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0/255.0.255.0", "10.0.0.0/",
        "10/8", "::/129", "2001:db8::1/32", "2001:db8::", "a/8", "10.0.0.0/8/8", "10.0.0.0/08", "10.0.0.0/ 8", "0.0.0.0/0.0.0.0", "::/ffff::",
        "10.0.0.0/255.255.255.255",
    ):
        yield f"ip_network({text!r})"
        yield f"ip_network({text!r}, strict=False)"
    for call in ("0", "1", "2 ** 32 - 1", "2 ** 32", "2 ** 128 - 1", "2 ** 128", "-1", "b'\\x01\\x02\\x03\\x04'", "b'\\x00' * 16", "b'ab'", "None", "1.5"):
        yield f"ip_address({call})"


def hashes():
    """Each algorithm, in each of its spellings."""
    yield "import hashlib, hmac, base64"
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
        yield f"hashlib.{name}(b'abc').hexdigest()"
        yield f"hashlib.{name}().digest()[:4]"
        yield f"hashlib.new('{name}', b'abc').hexdigest()[:16]"
        yield f"[hashlib.{name}().digest_size, hashlib.{name}().block_size, hashlib.{name}().name]"
        yield f"hmac.new(b'key', b'message', hashlib.{name}).hexdigest()"
        yield f"hmac.new(b'key', b'message', '{name}').digest()[:4]"
        yield f"hmac.digest(b'key', b'message', '{name}')[:4]"
    for name in ("sha3_256", "sha3_512", "blake2b", "blake2s"):
        yield f"hashlib.{name}(b'abc').hexdigest()"
    yield "hashlib.shake_128(b'abc').hexdigest(8)"


def collections():
    """Operators and methods of sets."""
    sets = ("set()", "{1}", "{1, 2}", "{2, 3}", "frozenset([1, 2])")
    for a, op, b in product(sets, ("<=", "<", ">=", ">", "==", "!="), sets):
        yield f"{a} {op} {b}"
    for a, op, b in product(sets, ("|", "&", "-", "^"), sets):
        yield f"sorted({a} {op} {b})"
    for a, method, b in product(sets, ("issubset", "issuperset", "isdisjoint"), ("[1]", "{1, 2}", "(3,)")):
        yield f"{a}.{method}({b})"


GRIDS = {f.__name__: f for f in (formatting, numbers, re, datetime, json, ipaddress, hashes, collections, operators, characters)}
