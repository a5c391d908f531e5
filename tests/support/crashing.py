"""twistd, with bugs that some images' names bring up: a script.

crashing.py pullthrough --config FILE

Each bug is an exception that nobody expects, and that says what is at hand.
"""

from collections.abc import Sequence
from typing import Any

from twisted.scripts.twistd import run

from pullthrough.access.tokens import Tokens
from pullthrough.spec.tokens import Access
from pullthrough.upstream.requests import Requests
from pullthrough.web.site import Site

#: In the name: where it is at work, where it asks an upstream, where it gives a token.
AT_WORK, AT_ASKING, AT_GRANTING = "crash-working", "crash-asking", "crash-granting"


def _at_work(site: Any, call: Any, *more: Any) -> Any:
    """The way to a repository's work; with all that is known of a request."""
    if AT_WORK in call.path:
        raise RuntimeError(call.head, call.identity, call, vars(site))
    return _WORK(site, call, *more)


def _at_asking(requests: Any, wish: Any) -> Any:
    """The way upstream; with all that is known of an upstream."""
    if AT_ASKING in wish.path:
        logins = requests._logins
        raise RuntimeError(logins._login, logins._tokens, requests._agent.way, wish)
    return _ASK(requests, wish)


def _at_granting(
    tokens: Tokens, principal: str, service: str, access: Sequence[Access]
) -> str:
    """The token realm; with all tokens there are."""
    if any(AT_GRANTING in one.name for one in access):
        raise RuntimeError(principal, service, access, vars(tokens))
    return _GRANT(tokens, principal, service, tuple(access))


_WORK: Any = Site._work
_ASK: Any = Requests.ask
_GRANT: Any = Tokens.grant

if __name__ == "__main__":
    patched: Any = (
        (Site, "_work", _at_work),
        (Requests, "ask", _at_asking),
        (Tokens, "grant", _at_granting),
    )
    for owner, name, bug in patched:
        setattr(owner, name, bug)
    run()
