"""Rules about the text of programs."""

import ast
import json
import re
import subprocess

from . import cpp
from .tree import Violation

MOST_LINES = 70
# A test may be a story with a table in it.
MOST_LINES_OF_A_TEST = 130
MOST_COLUMNS = 100
BASH_SECONDS = 20
CODE_ENDINGS = (".hpp", ".cpp", ".py", ".sh", ".cmake", "CMakeLists.txt", ".sql")

LEFT_OPEN = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
# The one place where waiting for a condition is written.
POLLS = ("tests/support/",)
STATEMENT = re.compile(
    r"^(?:(?:return|delete|throw|co_return)\b[^.]*;"
    r"|(?:break|continue|return);"
    r"|[A-Za-z_][\w:.>\[\]-]*\(.*\);"
    r"|(?:const |auto |static |std::|int |bool |char |void )+[\w:<>*& ,]+(?:=|\{|\().*[;{]"
    r"|[A-Za-z_][\w.>\[\]-]* [-+*/|&]?= .*;"
    r"|(?:if|for|while|switch) ?\(.*\).*[;{]"
    r"|#\s*(?:include|define|if|ifdef|ifndef|endif)\b.*"
    r"|\}|\};|\} else \{)$")
TEST_CASE = re.compile(r"\b(TEST_CASE(?:_FIXTURE|_TEMPLATE(?:_DEFINE)?)?|SCENARIO|SUBCASE)\s*\("
                       r"\s*(?:[\w:]+\s*,\s*)?\"((?:\\.|[^\"\\])*)\"")
BAD_NAME = re.compile(r"\b(?:class|struct)\s+(?:alignas\([^)]*\)\s+)?"
                      r"(\w*(?:Manager|Helper|Helpers|Util|Utils|Utility))\b")
BAD_FILE = re.compile(r"(?:^|_)(?:manager|helper|helpers|util|utils|misc|common)\.(?:hpp|cpp)$")
CLASS = re.compile(r"^[ \t]*class\s+(\w+)\s*(final\b)?\s*(?::[^:{;][^{;]*)?\{", re.M)
# Split so that this file does not break its own rule.
MACHINE = re.compile(r"(?<![\w.$}{-])/(?:wo" r"rk|ro" r"ot|home/\w+|tm" r"p)/\w")
HOSTS = re.compile(r"\b(?:re" r"po1?\.maven\b|repo\.maven\.apache|deb\.deb" r"ian\.org"
                   r"|pypi\.or" r"g|registry\.npm" r"js|proxy\.gol" r"ang|static\.cra" r"tes\.io)")
SNAKE = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.(?:hpp|cpp|py|sh)$|^__init__\.py$")
SNAKE_NAME = re.compile(r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$")


def programs(tree, language):
    for name in tree.files:
        if name.endswith(".py" if language == "python" else ".sh"):
            yield name
        elif "." not in name.rsplit("/", 1)[-1] and language in tree.shebang(name):
            yield name


def function_length(tree):
    """No function is longer than a screen."""
    for name in tree.cpp():
        for function in cpp.functions(tree.text(name)):
            if function.lines > (MOST_LINES_OF_A_TEST if name.startswith("tests/")
                                 else MOST_LINES):
                yield Violation(name, function.first_line, f"{function.lines} lines")
    for name in programs(tree, "python"):
        for node in ast.walk(ast.parse(tree.text(name))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_LINES:
                    yield Violation(name, node.lineno, f"{node.name}: {lines} lines")
    for name in programs(tree, "bash"):
        starts = None
        for number, line in enumerate(tree.lines(name), 1):
            if re.match(r"^(?:function )?[\w-]+ ?\(\) ?\{$", line):
                starts = number
            elif line == "}" and starts:
                if number - starts + 1 > MOST_LINES:
                    yield Violation(name, starts, f"{number - starts + 1} lines")
                starts = None


def line_length(tree):
    """No line of a program is longer than 100 columns."""
    names = set(tree.named(*CODE_ENDINGS)) | set(programs(tree, "bash"))
    for name in sorted(names):
        for number, line in enumerate(tree.lines(name), 1):
            if len(line) > MOST_COLUMNS:
                yield Violation(name, number, f"{len(line)} columns")


def pragma_once(tree):
    """A header's first line of code is #pragma once."""
    for name in tree.named(".hpp"):
        code = [line for line in cpp.TOKENS.sub(
            lambda found: "" if found.group("comment") else found.group(),
            tree.text(name)).splitlines() if line.strip()]
        if not code or code[0].strip() != "#pragma once":
            yield Violation(name, 1, "does not begin with #pragma once")


def nothing_left_open(tree):
    """No note of work left to do stands in the tree."""
    for name in tree.files:
        if tree.is_text(name):
            for number, line in enumerate(tree.lines(name), 1):
                if LEFT_OPEN.search(line):
                    yield Violation(name, number, line.strip()[:80])


def bare_sleeps(tree):
    """Tests wait for a condition with a limit; they do not sleep and hope."""
    for name in tree.cpp():
        if not name.startswith("tests/") or name.startswith(POLLS):
            continue
        bare = cpp.without_comments_and_texts(tree.text(name))
        for number, line in enumerate(bare.splitlines(), 1):
            if SLEEP.search(line):
                yield Violation(name, number, "sleeps; wait for a condition with a limit")


def commented_out(tree):
    """No code is kept as a comment."""
    for name in tree.cpp():
        source = tree.text(name)
        for number, comment in cpp.comments(source):
            if STATEMENT.match(comment):
                yield Violation(name, number, f"code as a comment: {comment[:60]}")
        for found in re.finditer(r"^[ \t]*#[ \t]*if[ \t]+0\b", source, re.M):
            yield Violation(name, source.count("\n", 0, found.start()) + 1, "code behind #if 0")


def test_names(tree):
    """A test's name is a sentence."""
    for name in tree.cpp():
        source = tree.text(name)
        for found in TEST_CASE.finditer(source):
            if found.group(1) != "SUBCASE" and len(found.group(2).split()) < 3:
                yield Violation(name, source.count("\n", 0, found.start()) + 1,
                                f'"{found.group(2)}" is no sentence')


def names_that_say_nothing(tree):
    """No manager, helper or util, neither type nor file."""
    for name in tree.cpp():
        bare = cpp.without_comments_and_texts(tree.text(name))
        for found in BAD_NAME.finditer(bare):
            yield Violation(name, bare.count("\n", 0, found.start()) + 1,
                            f"{found.group(1)} does not say what it is")
        if BAD_FILE.search(name.rsplit("/", 1)[-1]):
            yield Violation(name, 1, "is not named for what it holds")


def final_classes(tree):
    """A class is final, or made to be derived from: with virtual functions or a protected part."""
    for name in tree.cpp():
        bare = cpp.without_comments_and_texts(tree.text(name))
        for found in CLASS.finditer(bare):
            inside = body(bare, found.end())
            if not found.group(2) and "virtual" not in inside and "protected:" not in inside:
                yield Violation(name, bare.count("\n", 0, found.start(1)) + 1,
                                f"class {found.group(1)} is neither final "
                                "nor made to be derived from")


def body(bare, start):
    """The text from an opened brace to the one that closes it."""
    depth = 1
    for found in re.finditer(r"[{}]", bare[start:]):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return bare[start:start + found.start()]
    return bare[start:]


def file_names(tree):
    """Files are snake_case."""
    for name in tree.files:
        last = name.rsplit("/", 1)[-1]
        if name.endswith((".hpp", ".cpp", ".py", ".sh")):
            if not SNAKE.match(last):
                yield Violation(name, 1, "is not snake_case")
        elif "." not in last and tree.shebang(name) and not SNAKE_NAME.match(last):
            yield Violation(name, 1, "is not snake_case")


def machine_paths(tree):
    """Nothing in the tree knows one machine's folders or a registry's host."""
    for name in tree.files:
        if not tree.is_text(name):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            found = MACHINE.search(line) or HOSTS.search(line)
            if found:
                yield Violation(name, number, f"names {found.group()}")


def programs_parse(tree):
    """Scripts, Python and JSON can be parsed, and scripts can be started."""
    for name in programs(tree, "bash"):
        answer = subprocess.run(["bash", "-n", tree.root / name], capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=BASH_SECONDS, check=False)
        if answer.returncode != 0:
            yield Violation(name, 1, answer.stderr.strip())
    for name in programs(tree, "python"):
        try:
            ast.parse(tree.text(name))
        except SyntaxError as error:
            yield Violation(name, error.lineno or 1, str(error))
    for name in tree.named(".json"):
        try:
            json.loads(tree.text(name))
        except ValueError as error:
            yield Violation(name, 1, str(error))
    for name in tree.files:
        if tree.shebang(name) and not (tree.root / name).stat().st_mode & 0o100:
            yield Violation(name, 1, "begins with #! and is not executable")
