# label: quick
"""Every house rule finds what it is there to find, and lets good code be.

Each case makes a small clone that follows all rules, plants one violation, and expects exactly the
rule that it names to break.
"""

import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import house_rules  # noqa: E402
from house import architecture, code, cpp, documents  # noqa: E402

GOOD = {
    "README.md": "# House\n\nSee [base](libs/base/README.md#what-it-is-for), `[no](link.md)`.\n"
                 "\n```sh\n[not](a-link.md)\n```\n",
    "libs/base/README.md": "# base\n\n## What it is *for*\n\n[up](../../README.md#house)"
                           " [here](#base) [web](https://example.org/x)\n",
    "libs/base/CMakeLists.txt": "dropline_room(base SOURCES src/sum.cpp)\n",
    "libs/base/include/dropline/base/sum.hpp":
        "#pragma once\n\n#include <vector>\n\nnamespace dropline {\n\n"
        "/// Adds; `return 1;` is not code here.\nint sum(const std::vector<int>& numbers);\n\n"
        "class Port {\n public:\n  virtual ~Port() = default;\n};\n\n"
        "class Count final : public Port {\n public:\n"
        "  explicit Count(int from) : from_{from}, to_{from} {}\n\n private:\n"
        "  int from_;\n  int to_;\n};\n\n}  // namespace dropline\n",
    "libs/base/src/sum.cpp":
        "#include \"dropline/base/sum.hpp\"\n\n#include <unistd.h>\n\nnamespace dropline {\n\n"
        "// One by one (a loop would do; this is shorter);\nint sum(const std::vector<int>& n) {\n"
        "  return n.empty() ? 0 : n[0] + 1'000;\n}\n\n}  // namespace dropline\n",
    "libs/crypto/README.md": "# crypto\n",
    "libs/crypto/CMakeLists.txt":
        "dropline_room(crypto SOURCES src/key.cpp LINK dropline::base)\n",
    "libs/crypto/include/dropline/crypto/key.hpp": "// Keys.\n#pragma once\n",
    "libs/crypto/src/key.cpp":
        "#include \"dropline/crypto/key.hpp\"\n\n#include <sodium.h>\n\n"
        "#include \"dropline/base/sum.hpp\"\n",
    "libs/services/stock/README.md": "# stock\n",
    "libs/services/stock/include/dropline/stock/stock_queries.hpp": "#pragma once\n",
    "libs/services/stock/include/dropline/stock/stock.hpp": "#pragma once\n",
    "libs/services/points/README.md": "# points\n",
    "libs/services/points/include/dropline/points/points.hpp": "#pragma once\n",
    "libs/stream/README.md": "# stream\n",
    "libs/stream/kafka/README.md": "# kafka\n",
    "libs/stream/kafka/include/dropline/stream/kafka/client.hpp": "#pragma once\n",
    "libs/stream/sqlite/README.md": "# sqlite\n",
    "libs/stream/sqlite/include/dropline/stream/sqlite/log.hpp": "#pragma once\n",
    "libs/shop/README.md": "# shop\n",
    "libs/shop/include/dropline/shop/levels.hpp":
        "#pragma once\n\n#include \"dropline/stock/stock_queries.hpp\"\n",
    "apps/dropline/README.md": "# dropline\n",
    "apps/dropline/CMakeLists.txt": "dropline_app(dropline SOURCES main.cpp)\n",
    "apps/dropline/main.cpp": "#include \"dropline/stream/kafka/client.hpp\"\n\nint main() {}\n",
    "tests/unit/base/CMakeLists.txt": "dropline_test(unit_base SOURCES sum_test.cpp)\n",
    "tests/unit/base/sum_test.cpp":
        "#include <doctest/doctest.h>\n#include <sqlite3.h>\n\n"
        "TEST_CASE(\"a sum of nothing is zero\") { CHECK(true); }\n",
    "scripts/run": "#!/usr/bin/env bash\nset -eu\nmain() {\n  echo hello\n}\nmain\n",
    "schemas/topics/OrderPlaced.schema.json": "{}\n",
}

BODY = "int long_one(int a) {\n" + "  ++a;\n" * 69 + "}\n"
LAMBDA = "const auto kLong = [](int a) {\n" + "  ++a;\n" * 70 + "};\n"
MEMBER = ("class Thing final {\n public:\n  Thing() : a_{1}, b_{2} {\n" + "    ++a_;\n" * 70 +
          "  }\n};\n")
SHORT = "int fits(int a) {\n" + "  ++a;\n" * 68 + "}\n"
LONG_BASH = "#!/usr/bin/env bash\nlong_one() {\n" + "  true\n" * 70 + "}\n"
LONG_PYTHON = "def long_one():\n" + "    pass\n" * 70

SUM = "libs/base/src/sum.cpp"
KEY = "libs/crypto/src/key.cpp"
TEST = "tests/unit/base/sum_test.cpp"
README = "README.md"

# (what is planted, in which file, appended text or a whole new file, the rule that must break)
PLANTED = [
    ("a leaf that includes another room", SUM,
     '#include "dropline/crypto/key.hpp"\n', architecture.direction),
    ("an include of a header that no room has", SUM,
     '#include "dropline/base/gone.hpp"\n', architecture.direction),
    ("an include behind spaces", SUM,
     '  #  include "dropline/crypto/key.hpp"\n', architecture.direction),
    ("a service that includes another", "libs/services/points/src/points.hpp",
     '#pragma once\n#include "dropline/stock/stock.hpp"\n', architecture.direction),
    ("an adapter that includes the other", "libs/stream/kafka/src/both.hpp",
     '#pragma once\n#include "dropline/stream/sqlite/log.hpp"\n', architecture.direction),
    ("a port that includes its adapter", "libs/stream/src/port.hpp",
     '#pragma once\n#include "dropline/stream/kafka/client.hpp"\n', architecture.direction),
    ("a shop that looks behind a service's queries", "libs/shop/src/rules.hpp",
     '#pragma once\n#include "dropline/stock/stock.hpp"\n', architecture.direction),
    ("a room that has no place in the house", "libs/attic/src/box.hpp",
     ("libs/attic/README.md", "# attic\n",
      '#pragma once\n#include "dropline/base/sum.hpp"\n'), architecture.direction),
    ("a leaf that links another room", "libs/base/CMakeLists.txt",
     "dropline_room(base SOURCES src/sum.cpp LINK dropline::crypto)\n", architecture.linking),
    ("a port that links its adapter", "libs/stream/CMakeLists.txt",
     "dropline_room(stream LINK dropline::stream_kafka)\n", architecture.linking),
    ("librdkafka outside its adapter", SUM,
     "#include <librdkafka/rdkafka.h>\n", architecture.third_parties),
    ("a third party in the public header of its own room",
     "libs/crypto/include/dropline/crypto/raw.hpp",
     "#pragma once\n#include <sodium.h>\n", architecture.third_parties),
    ("Asio outside http", KEY, "#include <boost/asio/ip/tcp.hpp>\n", architecture.third_parties),
    ("a third party nobody owns", KEY, "#include <nlohmann/json.hpp>\n",
     architecture.third_parties),
    ("doctest in a room", KEY, "#include <doctest/doctest.h>\n", architecture.third_parties),
    ("SOCI in a service's rules", "libs/services/stock/src/stock.hpp",
     "#pragma once\n#include <soci/soci.h>\n", architecture.third_parties),
    ("a source that CMake does not know", "libs/base/src/lost.cpp", "int lost;\n",
     architecture.sources_in_cmake),
    ("a source that CMake names in a comment only", "libs/base/CMakeLists.txt",
     "# src/other.cpp\ndropline_room(base SOURCES src/none.cpp)\n", architecture.sources_in_cmake),
    ("a room without a README", "libs/store/include/dropline/store/table.hpp", "#pragma once\n",
     architecture.rooms_have_readmes),
    ("an app without a README", "apps/load/CMakeLists.txt",
     ("apps/load/main.cpp", "int main() {}\n", "dropline_app(load SOURCES main.cpp)\n"),
     architecture.rooms_have_readmes),
    ("a link to no file", README, "[gone](libs/gone/README.md)\n", documents.links),
    ("a link to no heading", README, "[gone](libs/base/README.md#gone)\n", documents.links),
    ("a link to no heading of the same page", README, "[gone](#gone)\n", documents.links),
    ("a link out of the clone", README, "[out](../other/README.md)\n", documents.links),
    ("a dead picture inside a link", README, "[![x](gone.png)](README.md)\n", documents.links),
    ("a dead reference", README, "[gone]: libs/gone.md\n", documents.links),
    ("a function of 71 lines", SUM, BODY, code.function_length),
    ("a lambda of 72 lines", SUM, LAMBDA, code.function_length),
    ("a long constructor with braces in its initialisers", SUM, MEMBER, code.function_length),
    ("a long function in bash", "scripts/long", LONG_BASH, code.function_length),
    ("a long function in Python", "scripts/lib/long.py", LONG_PYTHON, code.function_length),
    ("a line of 101 columns", SUM, "// " + "x" * 98 + "\n", code.line_length),
    ("a line of 101 columns in a script", "scripts/wide",
     "#!/usr/bin/env bash\n# " + "x" * 99 + "\n", code.line_length),
    ("a header without #pragma once", "libs/base/src/twice.hpp", "int twice();\n",
     code.pragma_once),
    ("a note of work left", SUM, "// TO" "DO: later\n", code.nothing_left_open),
    ("a note of work left in a document", README, "FIX" "ME\n", code.nothing_left_open),
    ("a sleep in a test", TEST,
     "void nap() { std::this_thread::sleep_for(kLong); }\n", code.bare_sleeps),
    ("a system sleep in a test", TEST, "void nap() { ::usleep(5); }\n", code.bare_sleeps),
    ("a call kept as a comment", SUM, "// log_everything(order, 5);\n", code.commented_out),
    ("an assignment kept as a comment", SUM, "//  total += price;\n", code.commented_out),
    ("a block kept as a comment", SUM, "// if (total > 5) {\n", code.commented_out),
    ("code behind #if 0", SUM, "#if 0\n#endif\n", code.commented_out),
    ("a test named with a word", TEST, 'TEST_CASE("sum") {}\n', code.test_names),
    ("a fixture's test named with a word", TEST, 'TEST_CASE_FIXTURE(Thing, "sum") {}\n',
     code.test_names),
    ("a manager", SUM, "struct OrderManager {};\n", code.names_that_say_nothing),
    ("a file of helpers", "libs/base/src/string_utils.hpp", "#pragma once\n",
     code.names_that_say_nothing),
    ("a class that is neither final nor made to be derived from", SUM,
     "class Open {\n  int a_;\n};\n", code.final_classes),
    ("a file in camel case", "libs/base/src/BigSum.hpp", "#pragma once\n", code.file_names),
    ("a script in camel case", "scripts/runAll", "#!/usr/bin/env bash\n", code.file_names),
    ("a machine's folder", README, "It is in /ho" "me/someone/dropline.\n", code.machine_paths),
    ("a temporary folder by name", "scripts/temporary",
     "#!/usr/bin/env bash\nmkdir /tm" "p/dropline\n", code.machine_paths),
    ("a registry's host", README, "From pypi.or" "g, say.\n", code.machine_paths),
    ("a script that bash cannot parse", "scripts/broken",
     "#!/usr/bin/env bash\nif true\n", code.programs_parse),
    ("a JSON file that is none", "schemas/topics/Broken.schema.json", "{,}\n",
     code.programs_parse),
    ("a script nobody can start", ("scripts/closed", 0o644), "#!/usr/bin/env bash\n",
     code.programs_parse),
]

# Looks like a violation, and is none.
HARMLESS = [
    ("a function of 70 lines", SUM, SHORT),
    ("a sleep in a comment of a test", TEST, "// sleep_for(kLong) would be wrong\n"),
    ("a long brace in a string", SUM, 'const char* kText = "{{{{";\n'),
    ("a raw string with a quote", SUM, 'const char* kRaw = R"x(" // { )x";\n'),
    ("a table of more than 70 lines", SUM,
     "const Row kRows[] = {\n" + "    {1, f(2)},\n" * 80 + "};\n"),
    ("prose that ends in a semicolon", SUM, "// the lock is held until then;\n"),
    ("a private boost header", SUM, "#include <boost/unordered/unordered_flat_map.hpp>\n"),
    ("the result type everywhere", "libs/base/include/dropline/base/error.hpp",
     "#pragma once\n#include <boost/system/result.hpp>\n"),
    ("a Korean heading", "libs/crypto/README.md", "## 열쇠 하나\n\n[go](#열쇠-하나)\n"),
    ("a heading met twice", "libs/crypto/README.md", "## Why\n## Why\n[go](#why-1)\n"),
    ("a template made by mktemp", "scripts/safe",
     "#!/usr/bin/env bash\nmktemp -d \"${TMPDIR:-/tmp}/dropline-XXXXXX\"\n"),
]


def write(folder, name, text, mode=None):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode or (0o755 if text.startswith("#!") else 0o644))


def broken_by(name, planted):
    """The rules that break when the text is planted in an otherwise good clone."""
    name, mode = name if isinstance(name, tuple) else (name, None)
    with tempfile.TemporaryDirectory(prefix="dropline-house-") as folder:
        folder = pathlib.Path(folder)
        for path, text in GOOD.items():
            write(folder, path, text)
        if isinstance(planted, tuple):
            other, text, planted = planted
            write(folder, other, text)
        before = "" if name.endswith("CMakeLists.txt") else GOOD.get(name, "")
        if name:
            write(folder, name, before + planted, mode)
        found = house_rules.broken_rules(folder)
        return {rule.__name__ for rule, violations in found.items() if violations}


def check_all():
    """Yields (case, what went wrong or an empty string)."""
    broken = broken_by("", "")
    yield "good code breaks no rule", f"breaks {broken}" if broken else ""
    for what, name, planted, rule in PLANTED:
        broken = broken_by(name, planted)
        wrong = "" if broken == {rule.__name__} else f"expected {rule.__name__}, broke {broken}"
        yield f"{rule.__name__} finds {what}", wrong
    for what, name, planted in HARMLESS:
        broken = broken_by(name, planted)
        yield f"no rule minds {what}", f"breaks {broken}" if broken else ""
    planted = {rule for _, _, _, rule in PLANTED}
    bare = [rule.__name__ for rule in house_rules.RULES if rule not in planted]
    yield "every rule has a planted violation", ", ".join(bare)
    heads = [function.head for function in cpp.functions(MEMBER + BODY)]
    wrong = "" if len(heads) == 2 else f"saw {heads}"
    yield "functions are told from classes and initialisers", wrong


def main():
    passed = failed = 0
    for case, wrong in check_all():
        passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
        if wrong:
            print(f"FAIL {case}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
