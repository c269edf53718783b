"""Checks that need the compile commands: clang-tidy and self-contained headers.

Each file's result is remembered when it is good, under a key made of everything that can change it.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess

TIDY = "clang-tidy-19"
FILE_SECONDS = 300
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
TIDY_NOISE = re.compile(
    r"^(?:\d+ warnings? .*generated|Suppressed \d+|Use -header-filter).*$", re.M)


class Commands:
    """compile_commands.json of a build: how each source of ours is compiled."""

    def __init__(self, tree, build_folder):
        self.tree = tree
        self.folder = pathlib.Path(build_folder)
        self._by_source = {}
        for entry in json.loads((self.folder / "compile_commands.json").read_text()):
            path = pathlib.Path(entry["directory"], entry["file"]).resolve()
            if path.is_relative_to(tree.root):
                words = shlex.split(entry["command"])
                self._by_source[path.relative_to(tree.root).as_posix()] = words

    def sources(self):
        return sorted(name for name in self._by_source if name in self.tree.files)

    def flags(self, name):
        """Definitions, include folders and warnings of the source, or of the nearest one."""
        if name not in self._by_source:
            name = self._nearest(name)
        words = self._by_source[name]
        kept, index = [], 0
        while index < len(words):
            word = words[index]
            if word in ("-I", "-isystem", "-include", "-D"):
                kept += words[index:index + 2]
                index += 1
            elif word.startswith(("-D", "-I", "-isystem", "-std", "-f", "-W", "-O", "-pthread")):
                kept.append(word)
            index += 1
        return kept

    def ours_included_by(self, name):
        """Every file of ours that the named one includes, however deep."""
        folders = self._folders(name)
        seen, waiting = {name}, [name]
        while waiting:
            current = waiting.pop()
            for header in INCLUDE.findall(self.tree.text(current)):
                for folder in [pathlib.PurePosixPath(current).parent.as_posix(), *folders]:
                    found = os.path.normpath(f"{folder}/{header}")
                    if found in self._files and found not in seen:
                        seen.add(found)
                        waiting.append(found)
                        break
        return sorted(seen)

    def without_root(self, words):
        return [word.replace(str(self.tree.root), "ROOT") for word in words]

    @property
    def _files(self):
        if not hasattr(self, "_file_set"):
            self._file_set = set(self.tree.files)
        return self._file_set

    def _folders(self, name):
        words = self.flags(name)
        paths = [word[2:] for word in words if word.startswith("-I") and word != "-I"]
        paths += [words[at + 1] for at, word in enumerate(words) if word in ("-I", "-isystem")]
        root = str(self.tree.root)
        return [os.path.relpath(path, root) for path in paths if path.startswith(root)]

    def _nearest(self, name):
        """A source of the same room sees at least what a header of that room may see."""
        def shared(other):
            return len(os.path.commonprefix([name.split("/"), other.split("/")]))
        return max(sorted(self._by_source), key=shared)


class Memory:
    """Keys of what was found good. A missing or unwritable folder only costs time."""

    def __init__(self, kept):
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self._folder = pathlib.Path(home, "dropline", "checks")
        self._kept = kept

    def has(self, key):
        return self._kept and (self._folder / key).exists()

    def add(self, key):
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / key).touch()
        except OSError:
            pass


def key_of(commands, name, tool):
    digest = hashlib.sha256("\0".join([tool, name, *commands.without_root(
        commands.flags(name))]).encode())
    for other in commands.ours_included_by(name):
        digest.update(f"\0{other}\0{commands.tree.text(other)}".encode())
    return digest.hexdigest()


def run_each(names, commands, tool, command_for, memory):
    """Runs a tool on each file that is not known to be good; answers (name, what it said).

    `command_for` gives the command and what it reads.
    """
    def one(name):
        key = key_of(commands, name, tool)
        if memory.has(key):
            return None
        try:
            command, text = command_for(name)
            answer = subprocess.run(command, cwd=commands.tree.root, text=True, input=text,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    timeout=FILE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return name, f"took longer than {FILE_SECONDS} s"
        if answer.returncode == 0:
            memory.add(key)
            return None
        return name, TIDY_NOISE.sub("", answer.stdout).strip()

    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return [found for found in pool.map(one, names) if found]


def tidy(sources, commands, memory):
    config = (commands.tree.root / ".clang-tidy").read_text()
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True,
                             timeout=FILE_SECONDS).stdout
    return run_each(sources, commands, f"tidy\0{version}\0{config}",
                    lambda name: ([TIDY, "--quiet", "-p", commands.folder, name], ""), memory)


def headers(commands, memory):
    """Each header compiles on its own."""
    def command(name):
        words = commands.flags(name)
        # What a precompiled header brings is not there for whoever includes this one alone.
        while "-include" in words:
            at = words.index("-include")
            words = words[:at] + words[at + 2:]
        return ["g++", *words, "-fsyntax-only", "-x", "c++", "-"], f'#include "{name}"\n'

    return run_each(commands.tree.named(".hpp"), commands, "headers", command, memory)
