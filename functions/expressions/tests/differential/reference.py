"""Runs the snippets in CPython and prints one JSON array: topic, body, and what the body returned or raised."""

import io
import json
import math
import re
import sys
import warnings
from contextlib import redirect_stdout
from datetime import date, datetime, timedelta, timezone
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import SimpleNamespace

import grids
import programs

# What CPython 3.11 warns of, such as an invalid escape, it accepts.
warnings.simplefilter("ignore")


def scope():
    """The names that a policy sees, for the event of `tests/stage`."""
    context = {
        "username": "ann",
        "email": "ann@example.org",
        "name": "Ann",
        "created": True,
        "stage": {"name": "password"},
        "geo": {"country": "DE"},
        "asn": {"asn": 64500},
        "auth_method_args": {"known_device": False},
        "diff": {"users": {"add": [{"pk": 9, "name": "Bob"}]}},
        "model": {"app": "authentik_core", "model_name": "group", "name": "admins", "pk": "1"},
    }
    user = {"pk": 5, "username": "ann", "email": "ann@example.org"}
    event = SimpleNamespace(
        action="login_failed",
        app="authentik.events.signals",
        client_ip="192.0.2.7",
        context=context,
        user=user,
        brand={"name": "Default brand"},
        created=datetime(2023, 2, 15, 15, 33, 42, 771091, timezone.utc),
        expires=datetime(2024, 2, 15, 15, 33, 42, 771091, timezone.utc),
        expiring=True,
    )
    request = SimpleNamespace(
        context={"event": event}, user=SimpleNamespace(**user), obj=event, http_request=None, debug=False
    )
    return {
        "request": request,
        "context": request.context,
        "ip_address": ip_address,
        "ip_network": ip_network,
        "ak_client_ip": ip_address(event.client_ip),
        "ak_is_sso_flow": False,
        "regex_match": lambda value, regex: re.search(regex, value) is not None,
        "regex_replace": lambda value, regex, repl: re.sub(regex, repl, value),
        "list_flatten": lambda value: (value[0] if value else None) if isinstance(value, list) else value,
    }


def as_json(value):
    """The value as a rule or a mapping returns it; `functions/expressions/src/value.rs` says which form each type has."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return {key_text(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__next__") or hasattr(value, "mapping"):
        return [as_json(item) for item in value]
    return str(value)


def key_text(key):
    if key is None:
        return "null"
    return str(key).lower() if isinstance(key, bool) else str(key)


def outcome(body):
    source = "def body():\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    names = scope()
    try:
        code = compile(source, "body", "exec")
    except SyntaxError as error:
        return {"raised": "SyntaxError", "message": str(error)}
    exec(code, names)
    try:
        with redirect_stdout(io.StringIO()):
            return {"returned": as_json(names["body"]())}
    except Exception as error:
        return {"raised": type(error).__name__, "message": str(error)}


def snippets(text):
    """The bodies of a file. A paragraph with a `return` is a body; a paragraph of imports is for the lines that follow; of
    each other paragraph, every line is an expression whose `repr` is compared."""
    imports = ""
    for paragraph in re.split(r"\n{2,}", text):
        lines = [line for line in paragraph.split("\n") if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        if re.search(r"^\s*return\b|:\s*return\b|;\s*return\b", "\n".join(lines), re.MULTILINE):
            yield "\n".join(lines)
        elif all(re.match(r"(import|from) ", line) for line in lines):
            imports += "\n".join(lines) + "\n"
        else:
            yield from (f"{imports}return repr({line})" for line in lines)


def grid(topic):
    return "\n\n".join(grids.GRIDS.get(topic, list)())


def random_programs(count):
    bodies = programs.programs(0, count)
    return [{"topic": "programs", "body": body, "reference": outcome(body)} for body in bodies]


def main():
    if sys.argv[1:2] == ["programs"]:
        results = random_programs(int(sys.argv[2]))
        json.dump({"version": list(sys.version_info[:2]), "snippets": results}, sys.stdout)
        return
    results = []
    folder = Path(__file__).parent / "snippets"
    for path in sorted(folder.glob("*.txt")):
        bodies = list(snippets(path.read_text()))
        bodies += list(snippets(grid(path.stem)))
        for body in dict.fromkeys(bodies):
            results.append({"topic": path.stem, "body": body, "reference": outcome(body)})
    json.dump({"version": list(sys.version_info[:2]), "snippets": results}, sys.stdout)


main()
