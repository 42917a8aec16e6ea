"""TAB, in the shells themselves: what each offers where something of nslab's can stand."""

import os
import re
import unittest

from nslab_test import FILES, NSLAB, NslabTest, bring_up, lab_file, main, nslab, residue, run, succeed
from terminal import Terminal

ONE = """
name: one
nodes:
  web:
    setup: ["true"]
    services: {http: {command: [sleep, infinity]}, other: {command: [sleep, infinity]}}
  db: {}
"""
TWO = "name: two\nnodes: {web: {}, client: {}}\n"

COMMANDS = ["up", "down", "plan", "validate", "ls", "status", "exec", "shell", "logs", "prune", "doctor", "new",
            "schema", "version", "completion"]

# (what is typed before TAB, what is offered for its last word)
OFFERED = [
    ("nslab ", COMMANDS),
    ("nslab -v ", COMMANDS),
    ("nslab pl", ["plan"]),
    ("nslab nonsense ", []),
    ("nslab exec ", ["client", "db", "one/web", "two/web"]),
    ("nslab exec -it ", ["client", "db", "one/web", "two/web"]),
    ("nslab shell cl", ["client"]),
    ("nslab logs one/", ["one/db", "one/web"]),
    ("nslab exec two/", ["two/client", "two/web"]),
    ("nslab logs one/web ", ["http", "other", "setup", "syslog"]),
    ("nslab logs -f one/web ht", ["http"]),
    ("nslab logs --f", ["--follow"]),
    ("nslab logs --r", ["--raw"]),
    ("nslab down --", ["--all", "--help", "--json", "--quiet", "--verbose", "--wait", "--yes"]),
    ("nslab up --without", ["--without-limits"]),
    ("nslab up ", ["one.yaml", "two.yaml", "other.yml", "sub"]),
    ("nslab up sub/", ["sub/three.yaml"]),
    ("nslab plan --check on", ["one.yaml"]),
    ("nslab up --name ", []),
    ("nslab down ", ["one", "two", "one.yaml", "two.yaml", "other.yml", "sub"]),
    ("nslab down tw", ["two", "two.yaml"]),
    ("nslab status two/", ["two/client", "two/web"]),
    ("nslab new le", ["leaf-spine"]),
    ("nslab completion ", ["bash", "fish", "zsh"]),
    ("nslab schema --ref", ["--reference"]),
    ("nslab exec db -- cat sub/", ["sub/three.yaml", "sub/more.txt"]),
    ("nslab exec one/db cat sub/m", ["sub/more.txt"]),
    ("nslab exec db -- unshar", ["unshare"]),
]

BASH = r"""
PS1='ready> '; bind -x '"\C-t": echo "[[$READLINE_LINE]]"'; bind '"\C-a": insert-completions'
"""
ZSH = r"""
PS1='ready> '; autoload -Uz compinit; compinit -u -D
show() { print -r -- "[[$BUFFER]]" }; zle -N show; bindkey '^T' show
zle -C all complete-word _generic; bindkey '^A' all; zstyle ':completion:all:*' completer _all_matches _complete; zstyle ':completion:all:*' insert true
"""


class Interactive:
    """A shell on a terminal, in which a key shows the line as it is, and another puts all into it that is offered."""

    def __init__(self, command, setup, environment, source=None):
        wide = dict(rows=50, columns=2000)
        self.terminal = Terminal("env", *[f"{key}={value}" for key, value in environment.items()], *command, **wide)
        for line in [*setup.strip().splitlines(), source or f"source <(nslab completion {command[0]})", "echo se''t"]:
            self.terminal.type(line + "\n")
        self.terminal.read_until("set\r\n")

    def offered(self, line):
        self.terminal.seen = b""
        self.terminal.type(line + "\x01\x14")
        seen = self.terminal.read_until("]]\r\n")
        self.terminal.type("\x15")
        shown = re.search(r"\[\[(.*)\]\]\r\n", seen).group(1)
        return [word.rstrip("/") for word in shown[line.rfind(" ") + 1:].split()]

    def close(self):
        self.terminal.close()


class Completion(NslabTest):
    @classmethod
    def setUpClass(cls):
        cls.before = residue.snapshot()
        for text in (ONE, TWO):
            bring_up(lab_file(text))
        cls.home = FILES / "completing"
        for name in ("one.yaml", "two.yaml", "other.yml", "notes.txt", "sub/three.yaml", "sub/more.txt"):
            (cls.home / name).parent.mkdir(parents=True, exist_ok=True)
            (cls.home / name).touch()
        bin = FILES / "bin"
        bin.mkdir()
        (bin / "nslab").symlink_to(NSLAB)
        cls.environment = {"PATH": f"{bin}:{os.environ['PATH']}", "HOME": str(cls.home), "TERM": "dumb"}

    @classmethod
    def tearDownClass(cls):
        for lab in ("one", "two"):
            succeed(nslab("down", lab))
        found = residue.settled(cls.before)
        assert not found, found

    def in_terminal(self, command, setup):
        shell = Interactive(command, f"cd {self.home}\n{setup}", self.environment)
        self.addCleanup(shell.close)
        for line, offered in OFFERED:
            with self.subTest(line=line):
                self.assertEqual(sorted(shell.offered(line)), sorted(offered))

    def test_bash(self):
        self.in_terminal(["bash", "--norc", "--noprofile", "-i"], BASH)

    def test_bash_with_the_completions_of_its_distribution(self):
        self.in_terminal(["bash", "--norc", "--noprofile", "-i"],
                         "source /usr/share/bash-completion/bash_completion\n" + BASH)

    def test_zsh(self):
        self.in_terminal(["zsh", "-f", "-i"], ZSH)

    def test_zsh_finds_it_in_its_path_of_functions(self):
        functions = self.home.parent / "functions"
        functions.mkdir()
        (functions / "_nslab").write_text(nslab("completion", "zsh").out)
        shell = Interactive(["zsh", "-f", "-i"], f"fpath=({functions} $fpath)\n{ZSH}", self.environment)
        self.addCleanup(shell.close)
        self.assertEqual(shell.offered("nslab exec cl"), ["client"])

    def test_fish(self):
        script = "nslab completion fish | source; " + "; ".join(
            f"echo '== {line}'; complete -C '{line}'" for line, _ in OFFERED)
        result = succeed(run("fish", "--no-config", "-c", script, cwd=self.home, env=self.environment))
        self.assertEqual(result.err, "")
        blocks = [block.splitlines() for block in result.out.split("== ")[1:]]
        self.assertEqual([block[0] for block in blocks], [line for line, _ in OFFERED])
        for (line, offered), block in zip(OFFERED, blocks):
            with self.subTest(line=line):
                self.assertEqual(sorted(each.split("\t")[0].rstrip("/") for each in block[1:]), sorted(offered))

    def test_sourcing_prints_nothing(self):
        for shell, source in (("bash", "source <(nslab completion bash)"),
                              ("zsh", "source <(nslab completion zsh)"),
                              ("zsh", "autoload -Uz compinit; compinit -u -D; source <(nslab completion zsh)"),
                              ("fish", "nslab completion fish | source")):
            result = succeed(run(shell, "-c", source, env=self.environment))
            self.assertEqual((result.out, result.err), ("", ""), shell)

    def test_a_program_that_is_on_no_path_completes_by_its_own(self):
        self.assertIn(NSLAB, nslab("completion", "bash").out)
        self.assertNotIn(NSLAB, succeed(run("nslab", "completion", "bash", env=self.environment)).out)
        script = nslab("completion", "bash").out + ('\nCOMP_WORDS=(nslab sta); COMP_CWORD=1; _nslab; echo "${COMPREPLY[*]}"'
                                                    '\nCOMP_WORDS=(nslab plan --ch); COMP_CWORD=2; _nslab; echo "${COMPREPLY[*]}"')
        self.assertEqual(succeed(run("bash", "-euc", script)).out.split(), ["status", "--check"])
        self.assertIn("status\t", run("fish", "--no-config", "-c", f"{NSLAB} completion fish | source; complete -C 'nslab sta'").out)
        shell = Interactive(["zsh", "-f", "-i"], ZSH, {**self.environment, "PATH": os.environ["PATH"]},
                            f"source <({NSLAB} completion zsh)")
        self.addCleanup(shell.close)
        self.assertEqual(shell.offered("nslab sta"), ["status"])

    def test_who_is_not_root_and_a_host_without_labs(self):
        with open(NSLAB, "rb") as program:
            nobody = run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                         f"/proc/self/fd/{program.fileno()}", "__complete", "exec", "", pass_fds=[program.fileno()])
        self.assertIn("one/web\t", self.expect(nobody, 0).out)
        empty = self.expect(nslab("__complete", "down", "", env={"NSLAB_STATE_DIR": "/run/nowhere"}), 0)
        self.assertEqual((empty.out, empty.err), (":yaml\n", ""))

    def test_every_shell_of_the_command_line_is_there(self):
        for command in COMMANDS:
            self.assertIn(f"\n{command}\t", "\n" + nslab("__complete", "").out)
        self.assertEqual(nslab("__complete").out, nslab("__complete", "").out)


if __name__ == "__main__":
    main()
