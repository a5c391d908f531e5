"""The way into the API: route, principal, right; all before a body is read."""

from pullthrough.errors import Invalid, Miss, Refused, Unauthenticated
from pullthrough.spec import routes
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.routes import Route
from pullthrough.values import Identity
from pullthrough.web.answering import Challenged
from pullthrough.web.call import Call
from pullthrough.web.guard import BASIC_CHALLENGE, Guard
from pullthrough.web.oauth import log_in

#: The right that each method of a route needs; what is missing needs ``push``.
_ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


async def enter(call: Call, guard: Guard) -> Route:
    """The route of a call that may pass; its identity and parameters are then known.

    :raises Unauthenticated: with a challenge.
    :raises Refused: when credentials would not help.
    :raises Invalid: when something in path or query is malformed.
    :raises Miss: when the path means nothing.
    """
    try:
        route = routes.parse_route(call.path)
        call.parameters = routes.parse_query(call.head.query)
    except InvalidText as error:
        # Only who may be here at all is told what is wrong.
        await _admit(call, guard, routes.Base(), None, "pull")
        raise invalid(error) from error
    if route is None:
        await _admit(call, guard, routes.Base(), None, "pull")
        raise Miss(ErrorCode.UNSUPPORTED, "there is no such endpoint")
    if isinstance(route, routes.Token) and call.method == "POST":
        try:
            await log_in(call, guard)
        except Unauthenticated as error:
            raise Challenged(error, BASIC_CHALLENGE) from error
        return route
    image: ImageName | None = getattr(route, "image", None)
    await _admit(call, guard, route, image, _action(call.method, route))
    return route


def known_method(call: Call, route: Route, allowed: frozenset[str]) -> None:
    """Refuse a method that the route does not know.

    :param allowed: the methods that are of any use here.
    :raises Refused: with the status 405.
    """
    known = routes.METHODS[type(route)]
    call.allowed = known & allowed
    if call.method not in known:
        raise Refused(
            ErrorCode.UNSUPPORTED, f"{call.method} has no meaning on this endpoint"
        )


def invalid(error: InvalidText) -> Invalid:
    """What a client sent is malformed."""
    return Invalid(error.code, error.detail)


def _action(method: str, route: Route) -> str:
    if isinstance(route, routes.Catalog):
        return "catalog"
    if isinstance(route, routes.UploadsRoute | routes.UploadRoute):
        return "push"
    return _ACTIONS.get(method, "push")


async def _admit(
    call: Call, guard: Guard, route: Route, image: ImageName | None, action: str
) -> None:
    """Find out who is asking, and whether they may.

    :param route: the base where the path, or the query, means nothing.
    """
    try:
        call.identity = await guard.identify(call.exchange)
        if isinstance(route, routes.Token):
            guard.admit(call.identity)
        elif not isinstance(route, routes.Base):
            guard.allow(call.identity, image, action)
        elif call.identity == Identity():
            # Always challenged: from here clients learn how to log in, and
            # whether a password is right.
            raise Unauthenticated("log in, or ask for an anonymous token")
        else:
            guard.tell(call.identity)
    except Unauthenticated as error:
        source = guard.own(call.parameter("from"))
        challenge = guard.challenge(call.exchange, image, action, source)
        if isinstance(route, routes.Token):
            challenge = BASIC_CHALLENGE
        raise Challenged(error, challenge) from error
