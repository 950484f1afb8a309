"""Storage URLs without their passwords: nothing that is printed or written by a study names the URL itself."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
_SECRET = re.compile(r"pass|pwd|secret|token|key|credential|odbc_connect", re.IGNORECASE)
_SHORT = 4
"""A secret of fewer letters is taken out of a text only where it stands alone, or nothing of the text would be left."""


def shown(storage: str) -> str:
    """Return a storage as it may be shown: a URL without passwords, in front of the host or in the query.

        >>> shown("postgresql+psycopg://ann:s3cret@db.example:5432/studies?sslpassword=x&timeout=3")
        'postgresql+psycopg://ann:***@db.example:5432/studies?sslpassword=***&timeout=3'
        >>> shown("study.journal")
        'study.journal'

    Args:
        storage: a path or a URL, well-formed or not: a password may hold any sign, ``@`` and ``/`` among them.
    """
    scheme, found, rest = storage.partition("://")
    if not found:
        return storage
    if "@" in rest.partition("?")[2]:
        # Either a password with a question mark or a query with an @: nothing tells where a secret begins.
        return f"{scheme}://{HIDDEN}"
    user, password, rest, query = _parts(rest)
    who = "" if user is None else f"{user}@" if password is None else f"{user}:{HIDDEN}@"
    pairs = [f"{key}={HIDDEN}" if _SECRET.search(key) else f"{key}{sign}{value}" for key, sign, value in query]
    return f"{scheme}://{who}{rest}" + ("?" + "&".join(pairs) if pairs else "")


def scrub(text: str, storage: str) -> str:
    """Take a storage's passwords out of a text, such as the error of a database driver.

        >>> scrub("no connection as ann with s3cret", "mysql://ann:s3cret@localhost/studies")
        'no connection as ann with ***'

    Args:
        text: any text.
        storage: the path or URL that it may quote, whole or in parts.
    """
    text = text.replace(storage, shown(storage))
    for secret in sorted(_secrets(storage), key=len, reverse=True):
        pattern = re.escape(secret)
        text = re.sub(pattern if len(secret) >= _SHORT else rf"(?<!\w){pattern}(?!\w)", HIDDEN, text)
    return text


def _secrets(storage: str) -> set[str]:
    """The passwords of a URL in every form that a message may have them in."""
    rest = storage.partition("://")[2]
    raw = []
    # As it is meant to be read, and with a question mark as part of a password.
    for text in (rest, rest.replace("?", "\0")):
        _, password, _, query = _parts(text)
        raw += [] if password is None else [password.replace("\0", "?")]
        raw += [value for key, _, value in query if _SECRET.search(key)]
    forms = {form for value in raw for form in (value, unquote(value), unquote_plus(value))}
    # A driver that cuts the URL elsewhere than here takes a part of the password for the host or the port.
    forms |= {part for form in forms for part in re.split(r"[@:/?#&=]", form)}
    forms |= {repr(form)[1:-1] for form in forms}
    return {form for form in forms if form.strip("*")}


def _parts(rest: str) -> tuple[str | None, str | None, str, list[tuple[str, str, str]]]:
    """Cut what follows ``://`` into user, password, the rest of it, and the query as (key, sign, value).

    What is before the last ``@`` counts as user and password, so that nothing of a password is ever behind it.
    """
    rest, _, query = rest.partition("?")
    user = password = None
    who, at, behind = rest.rpartition("@")
    if at:
        user, colon, secret = who.partition(":")
        password, rest = (secret if colon else None), behind
    pairs: list[str] = []
    for part in filter(None, query.split("&")):
        if "=" in part or not pairs:
            pairs.append(part)
        else:  # an "&" that was not quoted: of the value before it, which may be a password
            pairs[-1] += f"&{part}"
    return user, password, rest, [pair.partition("=") for pair in pairs]
