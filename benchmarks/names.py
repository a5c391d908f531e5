"""What the servers are called in the table."""

DISTRIBUTION = "distribution"
PULLING = "distribution proxy"
CACHE = "nginx cache"
STATIC = "nginx static"
UPSTREAM = "direct"
OURS = "ours"


def is_ours(name: str) -> bool:
    """Whether it stands for us."""
    return name.split(" ")[0] == OURS
