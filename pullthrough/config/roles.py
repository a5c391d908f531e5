"""The ``[role:NAME]`` and ``[usergroup:NAME]`` sections: who may do what."""

from collections.abc import Mapping

from pullthrough.config import fields
from pullthrough.config.section import Section
from pullthrough.spec.rights import ANONYMOUS, Right, Role

#: Every right there is.
ALL = "all"

_EVERYTHING = ("*",)


def read_roles(sections: Mapping[str, Section], anonymous: bool) -> tuple[Role, ...]:
    """The roles; what is wrong goes to the sections' faults.

    :param anonymous: whether ``[auth] anonymous_access`` is on.
    """
    groups: dict[str, frozenset[str]] = {}
    roles = []
    for name, section in sections.items():
        kind, _, own = name.partition(":")
        if kind == "usergroup":
            groups[own] = _users(section)
    for name, section in sections.items():
        kind, _, own = name.partition(":")
        if kind == "role":
            roles.append(_role(own, section, groups, anonymous))
    return tuple(roles)


def _users(section: Section) -> frozenset[str]:
    none: tuple[str, ...] = ()
    users = section.get("users", fields.items, none)
    if not users:
        section.fault("users", "names nobody")
    if ANONYMOUS in users:
        section.fault("users", f"{ANONYMOUS} is nobody's name; name it in a role")
    return frozenset(users)


def _role(
    name: str, section: Section, groups: Mapping[str, frozenset[str]], anonymous: bool
) -> Role:
    none: tuple[str, ...] = ()
    users = set(section.get("users", fields.items, none))
    for group in section.get("user_groups", fields.items, none):
        if group not in groups:
            section.fault("user_groups", f"there is no [usergroup:{group}]")
        users |= groups.get(group, frozenset())
    if not users and not (section.has("users") or section.has("user_groups")):
        section.fault("users", "a role needs users or user_groups")
    if ANONYMOUS in users and not anonymous:
        section.fault(
            "users", f"{ANONYMOUS} goes with [auth] anonymous_access = yes only"
        )
    if not section.has("actions"):
        section.fault("actions", "are missing: browse, read, push, overwrite, delete")
    nothing: frozenset[Right] = frozenset()
    return Role(
        name=name,
        users=frozenset(users),
        rights=section.get("actions", _rights, nothing),
        repositories=section.get("repositories", fields.items, _EVERYTHING),
        images=section.get("images", fields.items, _EVERYTHING),
    )


def _rights(value: str) -> frozenset[Right]:
    words = fields.items(value)
    if words == (ALL,):
        return frozenset(Right)
    try:
        return frozenset(Right(word) for word in words)
    except ValueError:
        known = ", ".join(right.value for right in Right)
        raise fields.FieldError(f"must be some of {known}; or all") from None
