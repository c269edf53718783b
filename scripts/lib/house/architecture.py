"""Rules about who may know whom: rooms, third parties, sources."""

import pathlib
import re

from .tree import Violation

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')
LINK = re.compile(r"\bdropline::(\w+)")

# What a room may include besides itself; the picture is in README.md. Only apps wire everything.
ALLOWED = {
    "base": set(),
    "crypto": {"base"},
    "stream": {"base"},
    "stream/kafka": {"base", "stream"},
    "stream/sqlite": {"base", "stream"},
    "store": {"base"},
    "telemetry": {"base"},
    "config": {"base", "telemetry"},
    "contracts": {"base", "crypto", "stream"},
    "http": {"base", "crypto"},
    "worker": {"contracts", "store", "stream", "telemetry", "base", "crypto"},
    "services/*": {"contracts", "store", "worker", "stream", "base", "crypto", "telemetry"},
    "shop": {"http", "services/*", "contracts", "stream", "store", "telemetry", "base", "crypto"},
    "audit": {"base", "config", "contracts", "crypto", "services/*", "store", "stream",
              "telemetry", "worker"},
}
# Of a service, the HTTP API sees only what may be read.
SHOP_SEES = "_queries.hpp"

# Where a third party's headers may be included, as path prefixes or whole patterns.
OWNERS = [
    (re.compile(r"^librdkafka/"), [r"libs/stream/kafka/(src|bench)/"]),
    (re.compile(r"^sqlite3\.h$"), [r"libs/stream/sqlite/(src|bench)/"]),
    (re.compile(r"^boost/(beast|asio)\b"), [r"libs/http/(src|bench)/"]),
    (re.compile(r"^soci/|^soci\.h$"),
     [r"libs/store/(src|bench)/", r"libs/store/include/dropline/store/soci_session\.hpp$",
      r"libs/services/\w+/src/\w+_store\.cpp$"]),
    (re.compile(r"^libpq"), [r"libs/store/(src|bench)/"]),
    (re.compile(r"^rapidjson/"), [r"libs/contracts/(src|bench)/"]),
    (re.compile(r"^sodium"), [r"libs/crypto/(src|bench)/"]),
    (re.compile(r"^prometheus/"), [r"libs/telemetry/(src|bench)/"]),
    (re.compile(r"^toml\+\+/|^toml\.hpp$"), [r"libs/config/(src|bench)/"]),
    (re.compile(r"^doctest"), []),
    (re.compile(r"^boost/(system/result|system/error_code|assert/source_location)\.hpp$"), [r""]),
    (re.compile(r"^boost/"), [r"libs/.*/(src|bench)/", r"apps/"]),
    # The standard library and the system's own headers.
    (re.compile(r"^[a-z_]+$|^c[a-z]+$"), [r""]),
    (re.compile(r"^(sys|netinet|arpa|linux)/\w+\.h$|^[a-z]\w*\.h$"),
     [r"libs/.*/(src|bench)/", r"apps/"]),
]
# Tests and benchmarks compare with the bare libraries.
FREE = ("tests/",)


def room_of(path):
    """libs/stream/kafka/src/x.cpp -> stream/kafka; None outside of libs."""
    parts = path.split("/")
    if parts[0] != "libs" or len(parts) < 3:
        return None
    nested = parts[1] in ("stream", "services") and parts[2] not in ("include", "src")
    return f"{parts[1]}/{parts[2]}" if nested and len(parts) > 3 else parts[1]


def kind_of(room):
    return "services/*" if room.startswith("services/") else room


def header_owners(tree):
    """dropline/base/uuid.hpp -> base, for every public header."""
    return {name.split("/include/", 1)[1]: room_of(name)
            for name in tree.named(".hpp") if "/include/" in name and name.startswith("libs/")}


def includes(tree, name):
    for number, line in enumerate(tree.lines(name), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def may_include(room, other):
    if room == other:
        return True
    allowed = ALLOWED.get(kind_of(room))
    return allowed is not None and kind_of(other) in allowed and (
        not room.startswith("services/") or not other.startswith("services/"))


def direction(tree):
    """No include against the direction of the house."""
    owners = header_owners(tree)
    for name in tree.cpp():
        room = room_of(name)
        for number, _, header in includes(tree, name):
            if not header.startswith("dropline/"):
                continue
            other = owners.get(header)
            if other is None:
                yield Violation(name, number, f"{header} is no header of any room")
            elif room is None or name.startswith(FREE):
                continue
            elif kind_of(room) not in ALLOWED:
                yield Violation(name, 1, f"room {room} has no place in the direction")
            elif not may_include(room, other):
                yield Violation(name, number, f"{room} may not know {other} ({header})")
            elif room == "shop" and other.startswith("services/") and \
                    not header.endswith(SHOP_SEES):
                yield Violation(name, number, f"shop sees only *{SHOP_SEES} of a service")


def linking(tree):
    """No room links against the direction of the house."""
    for name in tree.named("CMakeLists.txt"):
        room = name.removeprefix("libs/").removesuffix("/CMakeLists.txt")
        if not name.startswith("libs/") or "dropline_room(" not in tree.text(name):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            for target in LINK.findall(line.split("#")[0]):
                other = {"stream_kafka": "stream/kafka", "stream_sqlite": "stream/sqlite"}.get(
                    target, target)
                known = other in ALLOWED or f"libs/services/{other}" in tree.folders
                if other not in ALLOWED and known:
                    other = f"services/{other}"
                if known and not may_include(room, other):
                    yield Violation(name, number, f"{room} may not link {other}")


def third_parties(tree):
    """No third-party header outside the room that owns it."""
    for name in tree.cpp():
        if name.startswith(FREE):
            continue
        for number, sign, header in includes(tree, name):
            if sign == '"':
                continue
            for pattern, places in OWNERS:
                if pattern.search(header):
                    if not any(re.match(place, name) for place in places):
                        yield Violation(name, number, f"<{header}> belongs in another room")
                    break
            else:
                yield Violation(name, number, f"<{header}> has no room that owns it")


def sources_in_cmake(tree):
    """Every source is named in a CMakeLists.txt above it."""
    named = {name: set(re.findall(r"[\w./+-]+", re.sub(r"#[^\n]*", "", tree.text(name))))
             for name in tree.named("CMakeLists.txt")}
    for name in tree.named(".cpp"):
        for folder in pathlib.PurePosixPath(name).parents:
            listing = (folder / "CMakeLists.txt").as_posix()
            inside = pathlib.PurePosixPath(name).relative_to(folder).as_posix()
            if inside in named.get(listing, ()):
                break
        else:
            yield Violation(name, 1, "no CMakeLists.txt names this source")


def rooms_have_readmes(tree):
    """Every room says what it is for."""
    rooms = {f"libs/{room_of(name)}" for name in tree.cpp() if room_of(name)}
    rooms |= {"/".join(name.split("/")[:2]) for name in tree.cpp() if name.startswith("apps/")}
    for room in sorted(rooms):
        if f"{room}/README.md" not in tree.files:
            yield Violation(f"{room}/README.md", 1, "this room has no README.md")
