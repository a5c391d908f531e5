"""Wheel, editable installation and bare checkout all make twistd know us."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]

_PARTS = (
    "pullthrough",
    "twisted",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)

#: twistd, whatever is on the path of commands.
_TWISTD = (
    "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
)


class PackagingCase(SynchronousTestCase):
    """A copy of the tree, so that nothing is written beside the sources."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.tree = self.folder / "tree"
        self.tree.mkdir()
        for name in _PARTS:
            source = ROOT / name
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "dropin.cache")
                shutil.copytree(source, self.tree / name, ignore=ignore)
            else:
                shutil.copy(source, self.tree / name)

    def run_python(
        self, *arguments: str, python: str = sys.executable, **env: str
    ) -> str:
        """Run Python somewhere else; what it said."""
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            [python, *arguments],
            cwd=self.folder,
            env={**kept, **env},
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        return said

    def assert_known(self, said: str) -> None:
        """``twistd --help`` lists us, without a traceback."""
        self.assertIn("    pullthrough  ", said)
        self.assertNotIn("Traceback", said)


class PackagingTests(PackagingCase):
    """The ways to install it."""

    def wheel(self) -> Path:
        """Build a wheel."""
        pip = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation")
        self.run_python(*pip, "-w", str(self.folder), str(self.tree))
        (made,) = self.folder.glob("*.whl")
        return made

    def test_wheel(self) -> None:
        """It has the plugin and the data, and no ``__init__`` that breaks Twisted;
        installed where nothing can be written it works without a traceback."""
        made = self.wheel()
        names = set(zipfile.ZipFile(made).namelist())
        for name in (
            "twisted/plugins/pullthrough_plugin.py",
            "pullthrough/metadata/schema/0001_initial.sql",
            "pullthrough/py.typed",
        ):
            self.assertIn(name, names)
        for name in ("twisted/__init__.py", "twisted/plugins/__init__.py"):
            self.assertNotIn(name, names)
        self.assertFalse([name for name in names if name.startswith("tests")])
        for module in (ROOT / "pullthrough").rglob("*.py"):
            self.assertIn(str(module.relative_to(ROOT)), names)
        site = self.folder / "site"
        pip = ("-m", "pip", "install", "-q", "--no-deps", "--target", str(site))
        self.run_python(*pip, str(made))
        apart = ["unshare", "-m", "true"]
        if shutil.which("unshare") and subprocess.run(apart).returncode == 0:
            script = (
                'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" &&'
                ' exec "$1" -B -c "$2" --help'
            )
            done = subprocess.run(
                [
                    "unshare",
                    "-m",
                    "sh",
                    "-c",
                    script,
                    str(site),
                    sys.executable,
                    _TWISTD,
                ],
                env={**os.environ, "PYTHONPATH": str(site)},
                cwd="/",
                capture_output=True,
                text=True,
                timeout=120,
            )
            self.assert_known(done.stdout + done.stderr)
        self.assert_known(
            self.run_python("-c", _TWISTD, "--help", PYTHONPATH=str(site))
        )

    def test_bare_checkout(self) -> None:
        """``PYTHONPATH`` is enough."""
        said = self.run_python("-c", _TWISTD, "--help", PYTHONPATH=str(self.tree))
        self.assert_known(said)

    def test_editable(self) -> None:
        """``pip install -e .`` leaves the plugin where twistd finds it."""
        place = self.folder / "venv"
        venv.create(place, with_pip=False, symlinks=True)
        python = place / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = place / "lib" / version / "site-packages"
        (packages / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation")
        self.run_python(*pip, "-e", str(self.tree), python=str(python))
        said = self.run_python(
            "-c",
            f"import pullthrough; print(pullthrough.__file__)\n{_TWISTD}",
            "--help",
            python=str(python),
        )
        self.assertIn(str(self.tree), said)
        self.assert_known(said)
