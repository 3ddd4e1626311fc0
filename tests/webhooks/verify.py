"""Verifies a signed webhook as its receivers do: the published library, and ed25519 by another one.

    verify.py < {"headers": {…}, "body": "…", "shared": ["whsec_…"], "public": ["<base64>"]}
"""

import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook


def content(headers: dict[str, str], body: str) -> bytes:
    """What is signed, by the specification."""
    return f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()


def main() -> None:
    given = json.load(sys.stdin)
    headers, body = given["headers"], given["body"]
    for secret in given["shared"]:
        Webhook(secret).verify(body, headers)
    signatures = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    asymmetric = [base64.b64decode(text) for version, text in signatures if version == "v1a"]
    for public, signature in zip(given["public"], asymmetric, strict=True):
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(signature, content(headers, body))


main()
