"""Prints requests as Slack makes them, signed by its own library, and others by CPython's hmac.

Standard input has the secrets by source.
"""

import base64
import hashlib
import hmac
import json
import sys
import time

from slack_sdk.signature import SignatureVerifier

secrets = json.load(sys.stdin)
now = str(int(time.time()))


def show(source, headers, body, **facts):
    headers = {"content-type": "application/json", **headers}
    print(json.dumps({"source": source, "headers": headers, "body": body, **facts}))


def mac(name, secret, text, encode):
    return encode(hmac.new(secret.encode(), text.encode(), name).digest())


event = {
    "type": "event_callback",
    "event_id": "Ev1",
    "event_time": int(now) - 5,
    "event": {"type": "user_change", "user": "U061F7AUR"},
}
for body in [json.dumps(event), json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"})]:
    signature = SignatureVerifier(secrets["slack"]).generate_signature(timestamp=now, body=body)
    headers = {"x-slack-request-timestamp": now, "x-slack-signature": signature}
    show("slack", headers, body, event="user_change")

hexadecimal = bytes.hex
base = lambda digest: base64.b64encode(digest).decode()
page = json.dumps(
    {
        "event": {
            "id": "01DF1",
            "event_type": "incident.triggered",
            "occurred_at": "2026-01-02T03:04:05.123Z",
            "agent": {"summary": "Ann Lee"},
        }
    }
)
signatures = ["v1=" + "0" * 64, "v1=" + mac("sha256", secrets["pagerduty"], page, hexadecimal)]
show("pagerduty", {"x-pagerduty-signature": ",".join(signatures)}, page, event="incident.triggered")
issue = json.dumps({"action": "created", "data": {"issue": {"id": 1}}, "actor": {"type": "user", "name": "ann"}})
headers = {
    "sentry-hook-resource": "issue",
    "request-id": "r-1",
    "sentry-hook-signature": mac("sha256", secrets["sentry"], issue, hexadecimal),
}
show("sentry", headers, issue, event="issue.created")
deploy = json.dumps({"state": "done", "text": "Grüße \U0001f44b"}, ensure_ascii=False)
for source, name, encode in [
    ("sha1-hex", "sha1", hexadecimal),
    ("sha256-base64", "sha256", base),
    ("sha512-hex", "sha512", hexadecimal),
]:
    signed = f"v1:d-{source}:{now}.{deploy}"
    headers = {"x-signature": "mac=" + mac(name, secrets["own"], signed, encode), "x-time": now, "x-id": f"d-{source}"}
    show(source, headers, deploy, event="")
