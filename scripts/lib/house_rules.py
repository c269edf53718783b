"""Checks the house rules on a clone. Prints each rule, and `N passed, N failed` last."""

import argparse
import pathlib
import sys

from house import architecture, code, documents
from house.tree import Tree

RULES = [
    architecture.direction,
    architecture.linking,
    architecture.third_parties,
    architecture.sources_in_cmake,
    architecture.rooms_have_readmes,
    documents.links,
    code.function_length,
    code.line_length,
    code.pragma_once,
    code.nothing_left_open,
    code.bare_sleeps,
    code.commented_out,
    code.test_names,
    code.names_that_say_nothing,
    code.final_classes,
    code.file_names,
    code.machine_paths,
    code.programs_parse,
]
SHOWN_A_RULE = 25


def broken_rules(root):
    """rule -> its violations, for every rule, in order."""
    tree = Tree(root)
    return {rule: list(rule(tree)) for rule in RULES}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    found = broken_rules(parser.parse_args().root)
    for rule, violations in found.items():
        print(f"  {'FAIL' if violations else 'ok  '}  {rule.__doc__}")
        for violation in violations[:SHOWN_A_RULE]:
            print(f"   | {violation}")
        if len(violations) > SHOWN_A_RULE:
            print(f"   | … and {len(violations) - SHOWN_A_RULE} more")
    failed = sum(1 for violations in found.values() if violations)
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
