"""Snippets of every value with every other one: operators, operators in place, comparisons."""

from itertools import product

NUMBERS = (
    "0", "1", "-5", "7", "True", "0.0", "-0.0", "0.5", "1.5", "-2.5", "1e308", "5e-324", "1e16", "float('inf')", "float('-inf')", "float('nan')",
    "2**64", "-2**63", "2**53+1", "10**400", "-10**400", "1/3",
)
# No power of these takes long, or has a million digits.
EXPONENTS = ("0", "1", "2", "-1", "True", "0.0", "0.5", "-0.5", "1.5", "1/3", "7.0", "float('inf')", "float('-inf')", "float('nan')")
VALUES = (
    "3", "1.5", "True", "'ab'", "b'ab'", "[1, 2]", "(1, 2)", "{1, 2}", "frozenset({2, 3})", "{'a': 1}", "None", "range(2)", "{'a': 1}.keys()",
    "timedelta(1)", "date(2020, 1, 1)", "Counter('ab')", "deque([1])", "defaultdict(int)", "int", "'%s'", "ip_address('192.0.2.1')",
)
IMPORTS = "from collections import Counter, defaultdict, deque\nfrom datetime import date, timedelta\n"
# The order of a set is not compared.
SHOWN = "[type(a).__name__, sorted(map(repr, a)) if isinstance(a, (set, frozenset)) else repr(a)]"


def operators():
    """Each operator between two values, and in place."""
    for a, op, b in product(NUMBERS, ("+", "-", "*", "/", "//", "%", "<", "=="), NUMBERS):
        yield f"a = {a}\nb = {b}\nreturn repr(a {op} b)"
    for a, b in product(NUMBERS, NUMBERS):
        yield f"a = {a}\nb = {b}\nreturn repr(divmod(a, b))"
    for a, b in product(NUMBERS, EXPONENTS):
        yield f"a = {a}\nb = {b}\nreturn repr([a ** b, pow(a, b)])"
    for a, op, b in product(VALUES, ("+", "-", "*", "%", "|", "&", "^", "/", "//"), VALUES):
        yield f"{IMPORTS}a = {a}\nb = {b}\na = a {op} b\nreturn {SHOWN}"
    for a, op, b in product(VALUES, ("+=", "-=", "*=", "%=", "|=", "&=", "^="), VALUES):
        yield f"{IMPORTS}a = {a}\nb = {b}\nsame = [a]\na {op} b\nreturn {SHOWN} + [same == [a]]"

# Where characters have a case, a number, or are new since Unicode 14.
BLOCKS = (
    (0, 0x600), (0x1000, 0x1100), (0x1380, 0x1400), (0x1700, 0x1780), (0x1C80, 0x2200), (0x2460, 0x2500), (0x2C00, 0x2E00), (0x3000, 0x3080),
    (0x3400, 0x3480), (0x4E00, 0x4E80), (0x5300, 0x5380), (0xA600, 0xA800), (0xAB00, 0xAC00), (0xFB00, 0xFB80), (0xFF00, 0x10000),
    (0x10400, 0x10500), (0x10C80, 0x10D80), (0x16E00, 0x16F00), (0x1D400, 0x1D500), (0x1D780, 0x1D800), (0x1E900, 0x1E980),
)


def characters():
    """Each method of `str` that depends on characters, over all of them."""
    calls = ("upper", "lower", "title", "swapcase", "casefold", "isnumeric", "isdigit", "isidentifier", "isprintable", "isalpha", "isalnum",
             "islower", "isupper", "istitle", "isspace", "strip")
    for call, (start, end) in product(calls, BLOCKS):
        for first in range(start, end, 0x80):
            yield f"return [chr(code).{call}() for code in range({first}, {first + 0x80})]"
    for first in (0, 0x300, 0x1F00, 0xFB00):
        yield f"return [('aΣ' + chr(code) + 'a').title() for code in range({first}, {first + 0x80})]"
        yield f"return [('A' + chr(code)).istitle() for code in range({first}, {first + 0x80})]"
