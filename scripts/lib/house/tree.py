"""The files under check, read once."""

import dataclasses
import functools
import pathlib
import subprocess

IGNORED_FOLDERS = {".git", "build", "var", "__pycache__", "target"}
GIT_SECONDS = 30
NEWEST_COMMITS = 100


@dataclasses.dataclass(frozen=True)
class Violation:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """Files of a clone: tracked ones and new ones that are not ignored."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.files = sorted(self._tracked() if (self.root / ".git").exists() else self._walked())
        self.folders = {str(parent) for name in self.files
                        for parent in pathlib.PurePosixPath(name).parents}

    def named(self, *endings):
        return [name for name in self.files if name.endswith(endings)]

    def cpp(self):
        return self.named(".hpp", ".cpp")

    @functools.lru_cache(maxsize=None)
    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def lines(self, name):
        return self.text(name).splitlines()

    def shebang(self, name):
        """The first line of a program, else an empty string."""
        with open(self.root / name, "rb") as file:
            head = file.read(80)
        return head.split(b"\n")[0].decode(errors="replace") if head.startswith(b"#!") else ""

    def is_text(self, name):
        with open(self.root / name, "rb") as file:
            return b"\0" not in file.read(4096)

    def newest_first(self):
        """The files by how lately they were changed: not committed yet, then commit by commit."""
        if not (self.root / ".git").exists():
            return list(self.files)
        words = ["git", "-C", self.root, "-c", "core.quotePath=false"]
        changed = subprocess.run([*words, "status", "--porcelain", "--no-renames"], check=True,
                                 capture_output=True, text=True, timeout=GIT_SECONDS).stdout
        logged = subprocess.run([*words, "log", "--name-only", "--format=", f"-{NEWEST_COMMITS}"],
                                check=True, capture_output=True, text=True,
                                timeout=GIT_SECONDS).stdout
        names = [line[3:] for line in changed.splitlines()] + logged.splitlines()
        return [name for name in dict.fromkeys(names) if name in set(self.files)]

    def _tracked(self):
        answer = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            check=True, capture_output=True, text=True, timeout=GIT_SECONDS)
        return [name for name in answer.stdout.split("\0")
                if name and (self.root / name).is_file()]

    def _walked(self):
        for path in self.root.rglob("*"):
            inside = path.relative_to(self.root)
            if path.is_file() and not IGNORED_FOLDERS.intersection(inside.parts):
                yield inside.as_posix()
