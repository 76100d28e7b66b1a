"""The page's content-security policy: nothing from anywhere but the page itself, and its code by its hash."""

from base64 import b64encode
from hashlib import sha256


def content_security_policy(style: str, script: str) -> str:
    """default-src 'none': pictures only as data URIs, this one style and this one script, nothing else.

    style, script: exactly what stands between the tags.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src 'sha256-{_hash(style)}'",
            f"script-src 'sha256-{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(code: str) -> str:
    return b64encode(sha256(code.encode()).digest()).decode()
