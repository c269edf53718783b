"""Rules about what people read."""

import pathlib
import re
import unicodedata

from .tree import Violation

FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)"
                  r"|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
NAMED_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)


def prose_lines(text):
    """(number, line) of what is outside of fenced blocks, code spans blanked."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if fence:
            if found and found.group(1).startswith(fence):
                fence = None
        elif found:
            fence = found.group(1)
        else:
            yield number, line


def slug(heading):
    """The anchor that a heading gets where Markdown is shown."""
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    kept = [letter for letter in plain.strip().lower()
            if letter in "-_ " or unicodedata.category(letter)[0] in "LNM"]
    return "".join(kept).replace(" ", "-")


def anchors(text):
    found = set(NAMED_ANCHOR.findall(text))
    seen = {}
    for _, line in prose_lines(text):
        heading = HEADING.match(line)
        if heading:
            base = slug(heading.group(1))
            count = seen.get(base, 0)
            found.add(f"{base}-{count}" if count else base)
            seen[base] = count + 1
    return found


def links(tree):
    """No link in a document leads nowhere."""
    for name in tree.named(".md"):
        for number, line in prose_lines(tree.text(name)):
            for inline, reference in LINK.findall(re.sub(r"`[^`]*`", "code", line)):
                target = inline or reference
                if not ELSEWHERE.match(target):
                    yield from dead(tree, name, number, target)


def dead(tree, name, number, target):
    path, _, anchor = target.partition("#")
    folder = tree.root if path.startswith("/") else (tree.root / name).parent
    there = (folder / path.lstrip("/")).resolve() if path else tree.root / name
    inside = there.relative_to(tree.root).as_posix() if there.is_relative_to(tree.root) else None
    if inside is None or (inside not in tree.files and inside not in tree.folders):
        yield Violation(name, number, f"the link {target} leads nowhere")
    elif anchor and pathlib.PurePath(inside).suffix == ".md" and \
            anchor not in anchors(tree.text(inside)):
        yield Violation(name, number, f"{target}: there is no heading for that anchor")
