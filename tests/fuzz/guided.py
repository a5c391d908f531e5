"""One target under atheris, in a process of its own: ``NAME SECONDS FOLDER``."""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]

#: Seconds after which an input counts as one that never ends.
PATIENCE = 20

#: Largest input, in bytes.
LONGEST = 4096

# Comparisons of texts tell the fuzzer what they wanted. Its hook for patterns is of no
# use: it takes no ``pattern.match(text, position)``.
atheris.enabled_hooks.add("str")

with atheris.instrument_imports(include=["pullthrough"]):
    from tests.fuzz.targets import TARGETS


def main(name: str, seconds: str, folder: Path) -> None:
    """Fuzz until the time is over, or something is found; that lies in the folder."""
    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={PATIENCE}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}/",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    if target.words:
        words = folder / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
        options.append(f"-dict={words}")
    atheris.Setup(["fuzz", *options, str(corpus)], target.run)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
