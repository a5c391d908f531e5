"""What the parts of a configuration must be to each other."""

from collections.abc import Iterable

from pullthrough.config.model import Connector, Kind, Repository, Settings
from pullthrough.spec.ways import RESERVED


def check(settings: Settings) -> list[str]:
    """Everything that does not fit together, as ``[section] option: reason``."""
    faults: list[str] = []
    if not settings.repositories:
        faults.append("[repository:NAME]: there is no repository")
    faults += _members(settings.repositories)
    faults += _stores(settings)
    faults += _ports(settings)
    faults += _mirrors(settings)
    faults += _ways(settings)
    return faults


def _members(repositories: Iterable[Repository]) -> Iterable[str]:
    known = {repository.name: repository for repository in repositories}
    for group in known.values():
        where = f"[repository:{group.name}]"
        for member in group.member_names:
            if member not in known:
                yield f"{where} member_names: there is no repository {member}"
        if group.kind is Kind.GROUP and group.name in _below(group, known):
            yield f"{where} member_names: the group contains itself"
        writable = group.writable_member
        if writable and writable not in group.member_names:
            yield f"{where} writable_member: {writable} is not one of its members"
        elif writable in known and known[writable].kind is not Kind.HOSTED:
            yield f"{where} writable_member: {writable} is not a hosted repository"


def _mirrors(settings: Settings) -> Iterable[str]:
    for one in settings.repositories:
        if one.mirror and (one.force_basic_auth or not settings.auth.anonymous_access):
            yield (
                f"[repository:{one.name}] role: a mirror is asked without a password;"
                " it needs anonymous_access = yes and force_basic_auth = no"
            )


def _ways(settings: Settings) -> Iterable[str]:
    """What leads to a repository on the main connector leads to no other."""
    taken: dict[str, str] = {}
    for one in settings.repositories:
        where = f"[repository:{one.name}]"
        if one.name in RESERVED:
            yield f"{where}: {one.name} means something else in a path"
        if one.subdomain in taken:
            yield f"{where} subdomain: is that of {taken[one.subdomain]} already"
        elif one.subdomain and not settings.admin:
            yield f"{where} subdomain: needs http_port or https_port of [admin]"
        elif one.subdomain:
            taken[one.subdomain] = one.name


def _below(group: Repository, known: dict[str, Repository]) -> set[str]:
    """The names of all that a group reaches, over any number of steps."""
    reached: set[str] = set()
    ahead = list(group.member_names)
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            if name in known:
                ahead += known[name].member_names
    return reached


def _stores(settings: Settings) -> Iterable[str]:
    defined = {store.name for store in settings.blob_stores}
    for repository in settings.repositories:
        store = repository.blob_store_name
        if store and store not in defined:
            yield (
                f"[repository:{repository.name}] blob_store_name: there is no"
                f" [blobstore:{store}]"
            )
    seen: dict[object, str] = {}
    for one in settings.blob_stores:
        folder = one.path.absolute()
        if folder in seen:
            yield (
                f"[blobstore:{one.name}] path: {folder} is the folder of"
                f" {seen[folder]} already"
            )
        seen[folder] = one.name


def _ports(settings: Settings) -> Iterable[str]:
    wanted = [
        (f"[admin] {connector.scheme}_port", connector) for connector in settings.admin
    ]
    wanted += [
        (f"[repository:{one.name}] {connector.scheme}_port", connector)
        for one in settings.repositories
        for connector in one.connectors
    ]
    taken: list[tuple[tuple[str, str, str], str]] = []
    for option, connector in wanted:
        place = _place(connector)
        for other, owner in taken:
            if _collide(place, other):
                yield f"{option}: {connector.description} is taken by {owner}"
        taken.append((place, option))


def _place(connector: Connector) -> tuple[str, str, str]:
    """Kind, address and interface of an endpoint."""
    kind, _, rest = connector.description.partition(":")
    address, *options = rest.split(":")
    given = dict(option.partition("=")[::2] for option in options)
    if kind == "systemd":
        return kind, rest, ""
    return kind, address, given.get("interface", "")


def _collide(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    if one[:2] != other[:2] or one[1] == "0":
        return False
    return one[2] == other[2] or "" in (one[2], other[2])
