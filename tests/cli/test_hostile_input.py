"""Lab files that are meant to harm nslab itself: refused with a position, in bounded memory and time."""

import re
import resource
import unittest

from nslab_test import FILES, NslabTest, main, nslab

MEMORY = 256 << 20  # of addresses, which is more than what is used
SECONDS = 30  # what a hang exceeds on any machine; the aim is half a second on an idle one
BIG = 10 << 20

BOMB = "x-a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"x-{new}: &{new} [{', '.join(f'*{old}' for _ in range(9))}]\n" for old, new in zip("abcdefgh", "bcdefghi")) + "nodes: {a: {}}\n"

FILES_OF = {
    "brackets": b"[" * BIG,
    "braces": b"{" * BIG,
    "keys in keys": b"? " * (BIG // 2),
    "items in items": b"- " * (BIG // 2),
    "keys below keys": b"".join(b" " * i + b"a:\n" for i in range(4000)),
    "closing brackets": b"nodes: " + b"]" * BIG,
    "one comma": b",",
    "one colon": b":",
    "aliases of aliases": BOMB.encode(),
    "a mapping that holds itself": b"nodes: &a\n  b: *a\n",
    "many anchors": b"".join(b"x-%d: &a%d x\n" % (i, i) for i in range(100_000)),
    "NUL bytes": b"\0" * BIG,
    "a NUL byte": b"nodes:\n  a: {hostname: \"a\0b\"}\n",
    "an escaped NUL byte": b"nodes:\n  a: {environment: {A: \"a\\0b\"}}\n",
    "wrong UTF-8": b"nodes:\n  a: {hostname: \"\xc3\x28\"}\n",
    "half a character": b"nodes: {a: {}} # \xf0\x9f",
    "UTF-16": "nodes: {a: {}}\n".encode("utf-16"),
    "a surrogate": b"nodes: {\"\xed\xa0\x80\": {}}\n",
    "no end of a text": b"name: \"" + b"x" * BIG,
    "a long word": b"name: " + b"x" * BIG,
    "blanks": b" " * BIG + b"nodes: [",
    "tabs": b"\t" * BIG,
    "lines": b"\n" * BIG + b"nodes: [",
    "comments": b"# x\n" * (BIG // 4) + b"nodes: [",
    "document after document": b"---\n" * (BIG // 4),
    "many errors": b"nodes:\n" + b"".join(b"  n%d: {wrong: 1}\n" % i for i in range(100_000)),
    "a line of many errors": b"nodes: {" + b"".join(b"n%d: {wrong: 1}," % i for i in range(50_000)) + b"}\n",
    "a line of keys without text": b"[" + b"? ," * 300_000 + b"]",
    "many names that nothing has": b"nodes:\n" + b"".join(b"  n%d:\n" % i for i in range(5000)) + b"links:\n" + b"".join(
        b"  - x%d:e -- y%d:e\n" % (i, i) for i in range(30_000)),
    "inheritance": b"defaults: {setup: [" + b"echo," * 900 + b"]}\nnodes:\n" + b"".join(b"  n%d:\n" % i for i in range(9900)),
    "a tag": b"!!python/object/apply:os.system [true]",
    "a huge number": b"nodes: {a: {limits: {pids: " + b"9" * BIG + b"}}}\n",
    "a huge number of addresses": b"subnets: {a: 10.0.0.0/0}\nnodes: {a: {interfaces: {eth0: a}}}\n",
}


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class HostileInput(NslabTest):
    def test_each_is_refused_with_a_position(self):
        path = FILES / "hostile.yaml"
        for what, content in FILES_OF.items():
            with self.subTest(what):
                path.write_bytes(content)
                result = nslab("validate", path, timeout=SECONDS, preexec_fn=limit_memory)
                short = result.err[:300]
                self.assertEqual(result.code, 2, (what, short))
                self.assertRegex(short, rf"^{re.escape(str(path))}:\d+:\d+: error: ", what)
                self.assertLess(len(result.err), 1 << 20, f"{what}: the errors themselves are readable")

    def test_a_big_standard_input(self):
        result = nslab("validate", "-", input="x" * (64 << 20), timeout=SECONDS, preexec_fn=limit_memory)
        self.expect(result, 2, err="at most")


if __name__ == "__main__":
    main()
