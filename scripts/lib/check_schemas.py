#!/usr/bin/env python3
"""Holds schemas/topics together.

  check_schemas.py                   schemas are sound and closed, samples and examples validate,
                                     asyncapi.yaml, schemas and samples name the same messages, and
                                     nothing breaks a reader of what was released
  check_schemas.py --against WHERE   compare with WHERE instead of schemas/topics/released: a
                                     folder or a git revision
  check_schemas.py --catalogue FILE  also compare with what the code says (from unit_contracts)
  check_schemas.py --self-test       prove that each kind of breaking change is caught
  check_schemas.py --release         make what stands here the released baseline

What breaks a reader of a log: a message, field, enum value or topic that is gone (or renamed),
another type, a field newly required, a narrower range, a new pattern, a signature newly asked for,
another key. Exit code 1 and one line a finding when something is wrong.
"""

import argparse
import copy
import json
import pathlib
import re
import shutil
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    sys.exit(f"check_schemas: {missing.name} is missing: "
             "apt-get install python3-jsonschema python3-yaml")

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPICS = ROOT / "schemas" / "topics"
RELEASED = TOPICS / "released"
SUFFIX = ".schema.json"
ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "examples", "deprecated"}
# What compare() understands; a change in anything else cannot be judged and is called breaking.
UNDERSTOOD = ANNOTATIONS | {
    "type", "properties", "required", "unevaluatedProperties", "items", "enum", "minimum",
    "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format",
}
LOWER = ("minimum", "minLength", "minItems")
UPPER = ("maximum", "maxLength", "maxItems")
MAX_BODY_BYTES = 64 * 1024


class Contract:
    """The schemas and the page of one version."""

    def __init__(self, schemas, page):
        self.schemas = schemas
        self.page = page

    def topics(self):
        """Topic -> the names of its messages."""
        return {
            channel["address"]: list(channel.get("messages", {}))
            for channel in self.page["channels"].values()
        }

    def channel_of(self, address):
        return next(c for c in self.page["channels"].values() if c["address"] == address)

    def messages(self):
        return self.page["components"]["messages"]


def parse_yaml(text):
    # The loader in C, where PyYAML has it, is ten times as fast and as safe.
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def unique_pairs(pairs):
    """For json.loads: a name that comes twice is an error, not the last one's victory."""
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a name comes twice in an object")
    return dict(pairs)


def parse_json(text):
    return json.loads(text, object_pairs_hook=unique_pairs)


def read_folder(folder):
    schemas = {
        path.name.removesuffix(SUFFIX): parse_json(path.read_text("utf-8"))
        for path in sorted(folder.glob("*" + SUFFIX))
    }
    return Contract(schemas, parse_yaml((folder / "asyncapi.yaml").read_text("utf-8")))


def git(*arguments):
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, encoding="utf-8"
    ).stdout


def read_revision(revision):
    prefix = TOPICS.relative_to(ROOT).as_posix() + "/"
    schemas = {}
    for path in git("ls-tree", "--name-only", revision, prefix).split():
        if path.endswith(SUFFIX):
            name = path.rsplit("/", 1)[1].removesuffix(SUFFIX)
            schemas[name] = parse_json(git("show", f"{revision}:{path}"))
    return Contract(schemas, parse_yaml(git("show", f"{revision}:{prefix}asyncapi.yaml")))


# Compatibility


def compare(old, new, where, found):
    """Adds to `found` what `old` allowed and `new` does not."""
    for keyword in (set(old) | set(new)) - UNDERSTOOD:
        if old.get(keyword) != new.get(keyword):
            found.append(f"{where}: '{keyword}' changed, which this check cannot judge")
    if old.get("type") != new.get("type"):
        found.append(f"{where}: type {old.get('type')} became {new.get('type')}")
        return
    compare_limits(old, new, where, found)
    if "enum" in new:
        gone = [value for value in old.get("enum", ["any text"]) if value not in new["enum"]]
        if gone:
            found.append(f"{where}: no longer allowed: {', '.join(map(str, gone))}")
    for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        found.append(f"{where}/{name}: newly required")
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            compare(schema, new["properties"][name], f"{where}/{name}", found)
        else:
            found.append(f"{where}/{name}: removed or renamed")
    if "items" in old or "items" in new:
        compare(old.get("items", {}), new.get("items", {}), f"{where}/*", found)


def compare_limits(old, new, where, found):
    for keyword in LOWER:
        if keyword in new and (keyword not in old or new[keyword] > old[keyword]):
            found.append(f"{where}: {keyword} {old.get(keyword, 'none')} became {new[keyword]}")
    for keyword in UPPER:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            found.append(f"{where}: {keyword} {old.get(keyword, 'none')} became {new[keyword]}")
    for keyword in ("pattern", "format"):
        if keyword in new and new[keyword] != old.get(keyword):
            found.append(f"{where}: {keyword} {old.get(keyword, 'none')} became {new[keyword]}")


def compare_contracts(old, new):
    found = []
    for name, schema in old.schemas.items():
        if name not in new.schemas:
            found.append(f"{name}: removed or renamed")
            continue
        compare(schema, new.schemas[name], name, found)
    now = new.topics()
    for topic, names in old.topics().items():
        if topic not in now:
            found.append(f"{topic}: the topic is gone")
            continue
        for name in names:
            if name not in now[topic]:
                found.append(f"{topic}: no longer carries {name}")
        before, after = old.channel_of(topic), new.channel_of(topic)
        for what in ("x-dropline-key", "x-dropline-placement"):
            if before[what] != after[what]:
                found.append(f"{topic}: {what} changed, so records lie where nobody looks")
    for name, message in old.messages().items():
        later = new.messages().get(name)
        if later and later["x-dropline-signed"] and not message["x-dropline-signed"]:
            found.append(f"{name}: newly needs a signature, which older records lack")
    return found


# One version by itself


def walk_objects(schema, where):
    """Every object schema within."""
    if schema.get("type") == "object":
        yield where, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk_objects(inner, f"{where}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from walk_objects(schema["items"], f"{where}/*")


def check_schema(name, schema):
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return [f"{name}: not a schema: {error.message}"]
    found = []
    if schema.get("$schema") != "https://json-schema.org/draft/2020-12/schema":
        found.append(f"{name}: $schema is not draft 2020-12")
    if schema.get("$id") != name + SUFFIX or schema.get("title") != name:
        found.append(f"{name}: $id and title must name the type")
    if not schema.get("description"):
        found.append(f"{name}: no description")
    for where, inner in walk_objects(schema, name):
        if inner.get("unevaluatedProperties") is not False:
            found.append(f"{where}: open to fields it does not name; producers are closed")
        unknown = set(inner.get("required", [])) - set(inner.get("properties", {}))
        if unknown:
            names = ", ".join(sorted(unknown))
            found.append(f"{where}: requires {names}, which it does not describe")
    return found


def check_value(name, schema, value, where):
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return [
        f"{where}: {'/'.join(map(str, error.path)) or 'the value'}: {error.message[:200]}"
        for error in validator.iter_errors(value)
    ]


def check_record(name, contract, record, where):
    """A sample or example: value, and headers as asyncapi.yaml asks."""
    found = check_value(name, contract.schemas[name], record["value"], where)
    headers = record["headers"]
    traits = contract.page["components"]["messageTraits"]
    for reference in contract.messages()[name]["traits"]:
        trait = traits[reference["$ref"].rsplit("/", 1)[1]]
        found += check_value(name, trait["headers"], headers, where + ": headers")
    if headers.get("ce_type") != name:
        found.append(f"{where}: ce_type is {headers.get('ce_type')}")
    size = len(json.dumps(record["value"], ensure_ascii=False).encode("utf-8"))
    if size > MAX_BODY_BYTES:
        found.append(f"{where}: {size} bytes")
    return found


def check_samples(contract, folder):
    found = []
    for name in contract.schemas:
        paths = sorted((folder / name).glob("*.json"))
        if not paths:
            found.append(f"{name}: no golden sample in {folder / name}")
        examples = {}
        for path in paths:
            record = parse_json(path.read_text("utf-8"))
            if set(record) != {"key", "headers", "value"}:
                found.append(f"{path}: must hold key, headers and value")
                continue
            found += check_record(name, contract, record, str(path.relative_to(ROOT)))
            examples[path.stem] = record
        for example in contract.messages()[name].get("examples", []):
            record = {
                "key": example["x-dropline-key"],
                "headers": example["headers"],
                "value": example["payload"],
            }
            if record != examples.get(example["name"]):
                found.append(
                    f"asyncapi.yaml: {name}: example '{example['name']}' is not the sample")
        if not contract.messages()[name].get("examples"):
            found.append(f"asyncapi.yaml: {name}: no example")
    for folder_name in sorted(p.name for p in folder.iterdir()):
        if folder_name not in contract.schemas:
            found.append(f"samples/{folder_name}: no such message")
    return found


def check_released_samples(contract):
    """What was written once is valid for ever."""
    return [
        line
        for path in sorted((RELEASED / "samples").glob("*/*.json"))
        if path.parent.name in contract.schemas
        for line in check_value(path.parent.name, contract.schemas[path.parent.name],
                                parse_json(path.read_text("utf-8"))["value"],
                                str(path.relative_to(ROOT)))
    ]


def check_page(contract):
    found = []
    if not re.fullmatch(r"3\.0\.\d+", str(contract.page.get("asyncapi"))):
        found.append("asyncapi.yaml: not AsyncAPI 3.0")
    messages = contract.messages()
    for name in sorted(set(contract.schemas) ^ set(messages)):
        found.append(f"{name}: has a schema or an entry in asyncapi.yaml, not both")
    homes = {}
    for topic, names in contract.topics().items():
        for name in names:
            homes.setdefault(name, []).append(topic)
    for name, message in messages.items():
        if len(homes.get(name, [])) != 1:
            found.append(f"{name}: must be carried by exactly one topic, not {homes.get(name, [])}")
        if message["payload"]["schema"]["$ref"] != f"./{name}{SUFFIX}":
            found.append(f"{name}: payload is not its schema")
        signed = any(t["$ref"].endswith("/signed") for t in message["traits"])
        if signed != message["x-dropline-signed"]:
            found.append(f"{name}: traits and x-dropline-signed disagree")
    channels = {f"#/channels/{key}" for key in contract.page["channels"]}
    used = {operation["channel"]["$ref"] for operation in contract.page["operations"].values()}
    for reference in sorted(channels ^ used):
        found.append(f"asyncapi.yaml: {reference}: a channel or its operation is missing")
    return found


# The code


def structure(schema):
    """What a schema says, without words and in one order."""
    if isinstance(schema, dict):
        bare = {k: v for k, v in schema.items() if k not in ANNOTATIONS}
        if "properties" in bare:
            bare["properties"] = {k: structure(v) for k, v in bare["properties"].items()}
        if "items" in bare:
            bare["items"] = structure(bare["items"])
        if "required" in bare:
            bare["required"] = sorted(bare["required"])
        return bare
    return schema


def check_catalogue(contract, catalogue):
    found = []
    types = {entry["name"]: entry for entry in catalogue["types"]}
    for name in sorted(set(types) ^ set(contract.schemas)):
        found.append(f"{name}: the code or schemas/topics does not know it")
    for name in sorted(set(types) & set(contract.schemas)):
        entry = types[name]
        if structure(contract.schemas[name]) != structure(entry["schema"]):
            found.append(f"{name}: the schema is not what the code reads and writes: " + difference(
                structure(contract.schemas[name]), structure(entry["schema"])))
        if name not in contract.topics().get(entry["topic"], []):
            found.append(f"{name}: asyncapi.yaml does not list it on {entry['topic']}")
        if contract.messages().get(name, {}).get("x-dropline-signed") != entry["signed"]:
            found.append(f"{name}: asyncapi.yaml and the code disagree on its signature")
    names = {topic["name"] for topic in catalogue["topics"]}
    for name in sorted(names ^ set(contract.topics())):
        found.append(f"{name}: the code or asyncapi.yaml does not know the topic")
    for topic in catalogue["topics"]:
        if topic["name"] not in contract.topics():
            continue
        channel = contract.channel_of(topic["name"])
        configuration = channel["bindings"]["kafka"]["topicConfiguration"]
        expected = {
            "x-dropline-key": topic["key_rule"],
            "x-dropline-placement": "by_shard" if topic["placed_by_shard"] else "by_key",
        }
        for what, value in expected.items():
            if channel[what] != value:
                found.append(f"{topic['name']}: {what} is not what the code says: {value}")
        if configuration["cleanup.policy"] != ["compact" if topic["compacted"] else "delete"]:
            found.append(f"{topic['name']}: cleanup.policy is not what the code says")
        stamp = "LogAppendTime" if topic["append_time"] else "CreateTime"
        if configuration["x-message.timestamp.type"] != stamp:
            found.append(f"{topic['name']}: message.timestamp.type is not what the code says")
    return found


def difference(left, right, where=""):
    """The first place where two structures differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right)):
            if left.get(key) != right.get(key):
                return difference(left.get(key), right.get(key), f"{where}/{key}")
    return f"{where}: {json.dumps(left)[:120]} here, {json.dumps(right)[:120]} in the code"


# The proof that the check can fail


def self_test(contract):
    def place_order(change):
        broken = Contract(copy.deepcopy(contract.schemas), copy.deepcopy(contract.page))
        change(broken.schemas["PlaceOrder"], broken)
        return compare_contracts(contract, broken)

    def rename(properties, old, new):
        properties[new] = properties.pop(old)

    lines = lambda s: s["properties"]["lines"]
    quantity = lambda s: lines(s)["items"]["properties"]["quantity"]
    breaking = {
        "a field removed": lambda s, c: s["properties"].pop("coupon"),
        "a field renamed": lambda s, c: rename(s["properties"], "coupon", "coupon_id"),
        "a nested field removed": lambda s, c: lines(s)["items"]["properties"].pop("sku"),
        "a field of another type": lambda s, c: s["properties"]["member"].update(type="integer"),
        "an optional field required": lambda s, c: s["required"].append("coupon"),
        "a new field required": lambda s, c: (
            s["properties"].update(gift={"type": "boolean"}), s["required"].append("gift")),
        "an enum value removed": lambda s, c: s["properties"]["payment"]["properties"]["method"][
            "enum"].remove("bank"),
        "a text became an enum": lambda s, c: s["properties"]["idempotency_key"].update(enum=["a"]),
        "a maximum lowered": lambda s, c: quantity(s).update(maximum=10),
        "a minimum raised": lambda s, c: quantity(s).update(minimum=2),
        "a text made shorter": lambda s, c: s["properties"]["idempotency_key"].update(maxLength=36),
        "a list made shorter": lambda s, c: lines(s).update(maxItems=1),
        "a pattern added": lambda s, c: s["properties"]["idempotency_key"].update(pattern="^x"),
        "a pattern changed": lambda s, c: s["properties"]["drop"].update(pattern="^[0-9a-f]+$"),
        "a format added": lambda s, c: s["properties"]["idempotency_key"].update(format="uuid"),
        "a keyword it cannot judge": lambda s, c: lines(s).update(uniqueItems=True),
        "a message removed": lambda s, c: c.schemas.pop("OrderPaid"),
        "a topic removed": lambda s, c: c.page["channels"].pop("stockLevels"),
        "a message moved": lambda s, c: c.channel_of("orders.events")["messages"].pop("OrderPaid"),
        "another key": lambda s, c: c.channel_of("orders.commands").update(
            {"x-dropline-key": "the member"}),
        "a signature newly needed": lambda s, c: c.messages()["PlaceOrder"].update(
            {"x-dropline-signed": True}),
    }
    harmless = {
        "nothing": lambda s, c: None,
        "an optional field added": lambda s, c: s["properties"].update(gift={"type": "boolean"}),
        "a required field made optional": lambda s, c: s["required"].remove("payment"),
        "an enum value added": lambda s, c: s["properties"]["payment"]["properties"]["method"][
            "enum"].append("points"),
        "a range widened": lambda s, c: quantity(s).update(minimum=0, maximum=100000),
        "a pattern dropped": lambda s, c: s["properties"]["drop"].pop("pattern"),
        "words changed": lambda s, c: s.update(description="Other words."),
        "a message added": lambda s, c: c.schemas.update(New={"type": "object"}),
    }
    found = [f"self-test: not caught: {name}" for name, change in breaking.items()
             if not place_order(change)]
    for name, change in harmless.items():
        found += [f"self-test: wrongly called breaking: {name}: {line}"
                  for line in place_order(change)]
    return found, len(breaking) + len(harmless)


def release(contract):
    if RELEASED.exists():
        shutil.rmtree(RELEASED)
    RELEASED.mkdir()
    for name in contract.schemas:
        shutil.copy(TOPICS / (name + SUFFIX), RELEASED)
    shutil.copy(TOPICS / "asyncapi.yaml", RELEASED)
    shutil.copytree(TOPICS / "samples", RELEASED / "samples")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--against", metavar="WHERE")
    parser.add_argument("--catalogue", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--release", action="store_true")
    options = parser.parse_args()

    try:
        contract = read_folder(TOPICS)
        if options.release:
            release(contract)
        where = options.against or str(RELEASED)
        baseline = (read_folder(pathlib.Path(where)) if pathlib.Path(where).is_dir()
                    else read_revision(where))
    except (OSError, ValueError, yaml.YAMLError, subprocess.CalledProcessError) as error:
        sys.exit(f"check_schemas: {getattr(error, 'stderr', None) or error}")

    found = [line for name, schema in contract.schemas.items()
             for line in check_schema(name, schema)]
    found += check_page(contract)
    if not found:  # what follows takes both for granted
        found += check_samples(contract, TOPICS / "samples")
        found += check_released_samples(contract)
    found += [f"breaks a reader of what is in a log: {line}"
              for line in compare_contracts(baseline, contract)]
    done = f"{len(contract.schemas)} messages on {len(contract.topics())} topics"
    if options.catalogue:
        found += check_catalogue(contract, parse_json(options.catalogue.read_text("utf-8")))
        done += ", as the code has them"
    if options.self_test:
        missed, cases = self_test(contract)
        found += missed
        done += f", {cases} changes judged rightly"
    for line in found:
        print(f"check_schemas: {line}")
    if found:
        sys.exit(1)
    print(f"check_schemas: {done}: in order")


if __name__ == "__main__":
    main()
