"""Just enough C++ to see functions, comments and names of tests; no compiler needed."""

import dataclasses
import re

TOKENS = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M)
NOT_A_FUNCTION = re.compile(
    r"^\s*(?:\[\[[^\]]*\]\]\s*)*(?:inline\s+)?(?:template\s*<[^{}]*>\s*)?(?:typedef\s+)?"
    r"(?:namespace|class|struct|union|enum|extern)\b")
INITIALISER = re.compile(r"\)[^(){};]*?(?<!:):(?!:).*[\w>]\s*$", re.S)


@dataclasses.dataclass(frozen=True)
class Function:
    head: str
    first_line: int
    lines: int


def spaces_for(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_texts(source):
    """The same source, of the same shape, with comments, literals and directives blank."""
    bare = TOKENS.sub(lambda found: spaces_for(found.group()), source)
    return DIRECTIVE.sub(lambda found: spaces_for(found.group()), bare)


def comments(source):
    """(line number, text) of every // comment that has a line of its own; /// is not one."""
    for found in TOKENS.finditer(source):
        if not found.group("comment") or found.group().startswith(("///", "//!", "/*")):
            continue
        before = source[source.rfind("\n", 0, found.start()) + 1:found.start()]
        if not before.strip():
            yield source.count("\n", 0, found.start()) + 1, found.group()[2:].strip()


def functions(source):
    """Every function with a body that stands in a namespace or a class; lambdas are part of it."""
    bare = without_comments_and_texts(source)
    open_braces = []
    head_start = 0
    inside_function = 0
    for found in re.finditer(r"[{};]", bare):
        at, sign = found.start(), found.group()
        if sign == "{":
            kind = classify(bare[head_start:at]) if not inside_function else "block"
            open_braces.append((kind, at, bare[head_start:at]))
            inside_function += kind == "function"
            if kind != "initialiser":
                head_start = at + 1
        elif sign == "}" and open_braces:
            kind, start, head = open_braces.pop()
            if kind == "function":
                inside_function -= 1
                first = bare.count("\n", 0, start) + 1
                yield Function(" ".join(head.split()), first, bare.count("\n", start, at) + 1)
            if kind != "initialiser":
                head_start = at + 1
        elif sign == ";" and not any(kind == "initialiser" for kind, _, _ in open_braces):
            head_start = at + 1


def classify(head):
    """What a brace opens, told by the text before it."""
    if NOT_A_FUNCTION.search(head):
        return "scope"
    if INITIALISER.search(head):
        return "initialiser"
    if "(" in head and not head.rstrip().endswith(("=", ",", "(", "return")):
        return "function"
    return "block"
