#!/usr/bin/python3
"""The JSON Schema and nslab agree: on every lab, and on every file with an error.

What only nslab can refuse is listed here: what a schema has no words for.
"""

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(1 if os.environ.get("NSLAB_TESTS_MUST_RUN") == "1" else 77)

ROOT = Path(__file__).resolve().parents[2]
NSLAB = os.environ.get("NSLAB", str(ROOT / "build/release/src/nslab"))

# The case, and what makes it one that a schema lets pass.
ONLY_NSLAB = {
    "names that lead nowhere": """
        after-missing-node after-of-services-names-a-node gateway-not-on-the-subnet
        gateway-unknown group-missing link-missing-node namespace-missing-node
        route-dev-missing subnet-missing""",
    "values that have to fit together": """
        address-broadcast address-network address-other-length address-outside-subnet
        address-used-twice address-used-twice-over-links bridge-too-many-ports
        clock-without-time duplicate-interface file-on-the-host gateway-no-router
        gateway-outside hostname-of-another-node hostname-on-shared-uts
        interface-without-subnet interfaces-on-shared-net ipv6-small-mtu
        link-address-without-length link-on-shared-net link-subnet-too-small
        limit-of-shared-root mac-used-twice mount-over-file mtu-above-subnet namespace-other-user
        overlapping-link-subnets overlapping-subnets route-family route-refusing-with-hop
        route-to-itself route-twice route-unreachable-hop route-without-hop
        router-without-gateway subnet-loopback subnet-too-small subnet-two-of-a-family
        swap-without-memory sysctl-of-shared-net too-many-interfaces file-below-proc
        user-and-host-cgroup""",
    "circles": """
        after-cycle after-itself after-of-services-cycle namespace-circle
        namespace-circle-of-two-kinds""",
    "inherited keys": "command-missing group-in-group",
    "names that are taken": "service-named-as-a-log",
    "arithmetic": """
        address-padded cpuset-backwards file-too-large host-bits-in-subnet
        memory-too-small octal-number duration-too-long user-number-too-large size-too-large""",
    "not in the file": "default-name-is-no-name",
    "how it is written": """
        alias anchors-are-not-read duplicate-key duplicate-node hex-number
        nul-character second-document tag""",
}


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core types, as a reader of JSON would see the file."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
]:
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)
CoreLoader.add_constructor(
    "tag:yaml.org,2002:int",
    lambda loader, node: int(node.value, 16) if node.value.startswith("0x") else int(node.value),
)


def schema_takes(validator, path):
    """Whether a standard validator takes the file. One that is not YAML, it does not."""
    try:
        documents = list(yaml.load_all(path.read_bytes().decode(), CoreLoader))
        return len(documents) > 0 and validator.is_valid(documents[0])
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, RecursionError):
        return False


def nslab_takes(path):
    done = subprocess.run([NSLAB, "validate", str(path)], capture_output=True, timeout=60)
    assert done.returncode in (0, 2), done.stderr.decode(errors="replace")
    return done.returncode == 0


class Schema(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads((ROOT / "schemas/nslab.schema.json").read_text())
        cls.validator = jsonschema.Draft7Validator(cls.schema)

    def test_is_itself_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_every_lab_is_taken_by_both(self):
        labs = sorted((ROOT / "labs").glob("*.yaml"))
        labs += sorted((ROOT / "tests/golden/lower").glob("*/lab.yaml"))
        for lab in labs:
            with self.subTest(lab=lab.name):
                self.assertEqual([e.message for e in self.errors(lab)], [])
                self.assertTrue(nslab_takes(lab))

    def errors(self, lab):
        return self.validator.iter_errors(yaml.load(lab.read_text(), CoreLoader))

    def test_every_error_is_refused_by_both_or_listed(self):
        only_nslab = {name for names in ONLY_NSLAB.values() for name in names.split()}
        passed = set()
        for case in sorted((ROOT / "tests/golden/errors").iterdir()):
            (lab,) = case.glob("*.yaml")
            with self.subTest(case=case.name):
                self.assertFalse(nslab_takes(lab))
            if schema_takes(self.validator, lab):
                passed.add(case.name)
        self.assertEqual(sorted(passed), sorted(only_nslab))


if __name__ == "__main__":
    unittest.main()
