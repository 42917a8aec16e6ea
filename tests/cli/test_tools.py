"""The tools of the checkout: the layer check sees what breaks the table, the launcher launches, and what
is generated is what is there."""

import contextlib
import os
import shutil
import unittest
from pathlib import Path

from nslab_test import FILES, NSLAB, NslabTest, ROOT, main, run, succeed

LAYERS = ROOT / "tools/check-layers"
GENERATED = ("schemas/nslab.schema.json", "docs/reference/lab-file.md")

# (file, an include line, whether it is allowed)
INCLUDES = [
    ("plan/plan.cc", '#include "resource/state.h"', True),
    ("plan/plan.cc", '#include "plan/graph.h"', True),
    ("plan/plan.cc", '#include "kernel/netlink.h"', False),
    ("plan/plan.cc", "#include <nlohmann/json.hpp>", False),
    ("plan/plan.cc", "#include <sys/socket.h>", False),
    ("plan/plan.cc", "#include <vector>", True),
    ("topology/document.cc", "#include <yaml-cpp/eventhandler.h>", True),
    ("topology/parse.cc", "#include <yaml-cpp/yaml.h>", False),
    ("kernel/link.cc", "#include <netlink/msg.h>", True),
    ("kernel/link.cc", '#include "resource/spec.h"', False),
    ("host/nodes.cc", '#include "init/protocol.h"', True),
    ("host/nodes.cc", '#include "init/service.h"', False),
    ("host/nodes.cc", '  #  include "plan/plan.h"', False),
    ("reconcile/executor.cc", '#include "host/host.h"', True),
    ("reconcile/executor.cc", '#include "host/linux_host.h"', False),
    ("init/main.cc", '#include "base/text.h"', False),
    ("base/text.cc", "#include <spdlog/spdlog.h>", False),
    ("cli/main.cc", "#include <CLI/CLI.hpp>", True),
    ("common/helper.cc", "#include <vector>", False),
]


class Tools(NslabTest):
    def test_the_layer_check_sees_each_breach(self):
        for path, include, allowed in INCLUDES:
            with self.subTest(path=path, include=include):
                file = FILES / "tree/src" / path
                file.parent.mkdir(parents=True)
                file.write_text(f"// A file.\n{include}\n")
                result = run(LAYERS, FILES / "tree")
                shutil.rmtree(FILES / "tree")
                self.assertEqual(result.code, 0 if allowed else 1, result)
                self.assertEqual(f"src/{path}" in result.out, not allowed, result)

    def test_the_sources_keep_to_it(self):
        succeed(run(LAYERS))

    def test_packages_names_each_set_and_installs_nothing_here(self):
        for which in ("build", "labs", "test", "vm"):
            names = succeed(run(ROOT / "tools/packages", "--list", which)).out.split()
            self.assertTrue(names)
        self.assertIn("redis-server", succeed(run(ROOT / "tools/packages", "--list", "labs")).out)
        self.assertEqual(succeed(run(ROOT / "tools/packages", "build", "labs", "test")).out, "")
        self.expect(run(ROOT / "tools/packages", "nonsense"), 1, err="nonsense")

    def test_packages_says_who_may_install(self):
        """With a dpkg-query that knows no package, and not as root."""
        tools = FILES / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
        (tools / "dpkg-query").chmod(0o755)
        shutil.copy(ROOT / "tools/packages", tools / "packages")
        result = run("setpriv", "--reuid", "65534", "--clear-groups", tools / "packages", "labs",
                     env={"PATH": f"{tools}:{os.environ['PATH']}"})
        shutil.rmtree(tools)
        self.expect(result, 1, err=["only root", "redis-server", "curl"])

    def test_the_launcher_is_found_through_links(self):
        """It resolves its own place; a checkout that somebody else has built is run as it is."""
        checkout = FILES / "checkout"
        program = checkout / "build/release/src/nslab"
        program.parent.mkdir(parents=True)
        (checkout / "tools").mkdir()
        shutil.copy(ROOT / "tools/nslab", checkout / "tools/nslab")
        program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 3\n')
        program.chmod(0o755)
        os.symlink(checkout / "tools/nslab", FILES / "linked")
        Path(FILES).chmod(0o755)
        result = run("setpriv", "--reuid", "65534", "--clear-groups", FILES / "linked", "a b", "", "-x", "*",
                     cwd="/")
        os.unlink(FILES / "linked")
        shutil.rmtree(checkout)
        self.assertEqual((result.code, result.out), (3, "<a b><><-x><*>"), result)

    def test_generate_writes_what_is_there(self):
        """Run by an argument, by $NSLAB, or by the launcher beside it; in a checkout of its own."""
        launcher = f'#!/bin/sh\nexec {NSLAB} "$@"\n'
        for how, words, env in (("an argument", [NSLAB], {"NSLAB": None}), ("NSLAB", [], {"NSLAB": NSLAB}),
                                ("the launcher", [], {"NSLAB": None})):
            with self.subTest(how), self.checkout("generate", launcher if how == "the launcher" else None) as checkout:
                succeed(run(checkout / "tools/generate", *words, env=env, cwd="/"))
                written = {str(file.relative_to(checkout)) for top in ("schemas", "docs")
                           for file in (checkout / top).rglob("*") if file.is_file()}
                self.assertEqual(written, set(GENERATED))
                for file in GENERATED:
                    self.assertEqual((checkout / file).read_text(), (ROOT / file).read_text(), file)

    def test_generate_that_fails_leaves_what_is_there(self):
        """Also where the second of the two fails, half way."""
        for script in ("exit 1", 'echo half; test $# = 1'):
            with self.subTest(script), self.checkout("generate", f"#!/bin/sh\n{script}\n") as checkout:
                for file in GENERATED:
                    (checkout / file).parent.mkdir(parents=True)
                    (checkout / file).write_text("as it was\n")
                self.assertEqual(run(checkout / "tools/generate", env={"NSLAB": None}).code, 1)
                self.assertEqual([(checkout / file).read_text() for file in GENERATED], ["as it was\n"] * 2)

    @contextlib.contextmanager
    def checkout(self, tool, launcher):
        """One with this tool alone, and with a launcher of this text."""
        checkout = FILES / "checkout"
        (checkout / "tools").mkdir(parents=True)
        shutil.copy(ROOT / "tools" / tool, checkout / "tools" / tool)
        if launcher:
            (checkout / "tools/nslab").write_text(launcher)
            (checkout / "tools/nslab").chmod(0o755)
        try:
            yield checkout
        finally:
            shutil.rmtree(checkout)


if __name__ == "__main__":
    main()
