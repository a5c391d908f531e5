"""Docker's V1 API on a connector that has it switched on."""

import json
from collections.abc import Callable

from pullthrough.errors import Miss, Refused, Unauthenticated
from pullthrough.interfaces import IRepository
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.reference import Tag
from pullthrough.spec.v1 import (
    Images,
    Ping,
    Search,
    Tags,
    Users,
    V1Route,
    parse_v1,
    results,
    wanted,
)
from pullthrough.web.call import Call
from pullthrough.web.guard import Guard
from pullthrough.web.reading import told_warning

#: Longest search term, in characters.
LONGEST_TERM = 255


def action_of(route: V1Route | None) -> str:
    """The right that a route needs; empty: to be known at all."""
    if isinstance(route, Search):
        return "search"
    return "pull" if isinstance(route, Tags | Images) else ""


def admit(call: Call, guard: Guard, route: V1Route | None) -> None:
    """Let a request pass.

    :raises Unauthenticated: when credentials might help.
    :raises Refused: when they would not.
    """
    action = action_of(route)
    if action:
        guard.allow(call.identity, getattr(route, "image", None), action)
    elif not isinstance(route, Ping) and not call.identity.principal:
        raise Unauthenticated("log in first")


def find(call: Call) -> V1Route | None:
    """The route of a request, or None.

    :raises InvalidText: when a name is malformed.
    """
    return parse_v1(call.path)


async def answer(
    call: Call,
    repository: IRepository,
    route: V1Route | None,
    visible: Callable[[ImageName], bool],
) -> None:
    """Answer a request that may pass.

    :param visible: whether the client may see an image in lists.
    """
    if route is None:
        raise Miss(ErrorCode.UNSUPPORTED, "there is no such endpoint")
    if call.method != "GET" and not (
        isinstance(route, Users) and call.method == "POST"
    ):
        raise Refused(
            ErrorCode.UNSUPPORTED, f"{call.method} has no meaning on this endpoint"
        )
    document: object
    warning = ""
    match route:
        case Ping():
            document = True
        case Users():
            document = "OK"
        case Search():
            query = call.parameter("q")[:LONGEST_TERM]
            limit = wanted(call.parameter("n"))
            found = await repository.search(_term(query), limit)
            names = [ImageName(name) for name in found.names]
            document = results(query, [name for name in names if visible(name)])
            warning = found.warning
        case Tags(image):
            document = await _tags(repository, image)
        case Images(image):
            tagged = await _tags(repository, image)
            document = [{"id": tagged[tag], "tag": tag} for tag in tagged]
    headers = [
        ("Content-Type", "application/json"),
        ("X-Docker-Registry-Version", "0.6.0"),
        ("X-Docker-Registry-Standalone", "true"),
        *told_warning(warning),
    ]
    call.answer(200, headers, json.dumps(document, separators=(",", ":")).encode())


def _term(query: str) -> str:
    """What is looked for; Docker puts ``library/`` before a term of one part."""
    return query.strip().lower().removeprefix("library/")


async def _tags(repository: IRepository, image: ImageName) -> dict[str, str]:
    """The tags of an image with the hex digests that they stand for."""
    names = await repository.tags(image, Page())
    found = {}
    for name in names.names:
        resolved = await repository.resolve(image, Tag(name))
        found[name] = resolved.descriptor.digest.hex
    return found
