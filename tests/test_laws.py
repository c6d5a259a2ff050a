"""The project's own laws as lint: each walks the syntax tree of app/, or the text of what is tracked."""

import ast
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPIED = Path("conformance/conformance.py")  # It recorded the real servers and stays byte for byte as it was.
WEB = {"fastapi", "starlette"}
WEBLESS = ("keys.py", "postgres/", "schema.py", "seed.py", "sqlite/", "store.py", "tables.py", "tms/", "wire.py")
DRIVERS = {"aiosqlite", "asyncpg", "sqlite3"}
DRIVING = ("sqlite/", "postgres/", "journal/ring.py")
CHANCE = {"random", "secrets", "uuid"}
COMPARISONS = (ast.Eq, ast.NotEq)
FIXED_CALLS = {"getlogger", "metadata", "table"}
SECRET_NAME = re.compile(
    r"secret|passw|token|hash|digest|signature|csrf|cookie|verifier|challenge|credential|(?<!public)_(key|code)$",
    re.IGNORECASE,
)
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|CREATE|DROP|ALTER|PRAGMA|ATTACH|VACUUM|SAVEPOINT)\b")
SQL_TAKERS = {"exec_driver_sql", "execute", "executemany", "executescript", "literal_column", "text"}
# What stands in a text of SQL all the same, each a name of our own: nothing that anybody has sent.
OWN_NAMES_IN_SQL = {
    "control/device.py": {"""f"'{status}'\""""},  # PENDING, ENTERED, APPROVED
    "journal/ring.py": {
        "f'PRAGMA busy_timeout = {busy_milliseconds}'"
    },  # a number of ours, and SQLite binds none there
    "oauth/sweeper.py": {"""f"'{status}'\""""},  # DENIED, REDEEMED
    "page/flows.py": {"""f"'{status}'\""""},  # PENDING, ENTERED
    "page/records.py": {"""f"'{name}'\""""},  # the tables' names
    "postgres/board.py": {"f'UPDATE standin_board SET epoch = {epoch}'"},  # two expressions of that module
    # The tables' and columns' names, in what moves whole states.
    "postgres/moving.py": {"f'INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {staged(table)}'"},
    "postgres/rows.py": {
        "f'SELECT count(*) FROM {self.place_of(table)}'",
        "'SELECT ' + ', '.join((_LAST_ID.format(table.name) for table in TABLES if is_numbered(table)))",
        "f'DELETE FROM {table.name}'",
        "f'LOCK TABLE {_names()} IN ACCESS SHARE MODE'",
        "f'TRUNCATE {_names()}'",
    },
    "postgres/staging.py": {"f'TRUNCATE {staged(table)}'"},
    "postgres/words.py": {
        "f'SELECT 1 FROM {table.name} WHERE '",
        (
            "f'SELECT 1 FROM {table.name} WHERE ' + "
            "' AND '.join((f'{column} = ${number}' for number, column in enumerate(columns, 1)))"
        ),
    },  # columns of tables.py, values are bound
    "sqlite/constraints.py": {"f'SELECT 1 FROM {table} WHERE {where}'"},  # as above
    "sqlite/rows.py": {"f'SELECT count(*) FROM {table.name}'", "f'DELETE FROM {table.name}'"},
}
EMPTY_CALLS = {"Counter", "OrderedDict", "defaultdict", "deque", "dict", "list", "set"}


@dataclass(frozen=True)
class Module:
    """A file below app/: its path there, its text and its syntax tree."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return ast.parse(self.text)


@dataclass(frozen=True)
class Law:
    """A sentence, what finds its breaches in a module, and modules that break it: (path, text)."""

    sentence: str
    breaches: Callable[[Module], Iterator[str]]
    broken: list[tuple[str, str]]


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and first name of every absolute import."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, (node.module or "").partition(".")[0]


def names(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every name that is read, imported or looked up as an attribute."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)


def imported(module: Module, unwanted: set[str]) -> Iterator[str]:
    """Yield a text for each import of an unwanted package."""
    return (f"{line}: import of {name}" for line, name in imports(module) if name in unwanted)


def asks_the_time(module: Module) -> Iterator[str]:
    """Find imports of `time` and what makes an instant out of nothing."""
    if module.path == "clock.py":
        return
    yield from imported(module, {"time"})
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and re.fullmatch(
            r"(datetime\.)?(datetime|date)\.(now|utcnow|today)", ast.unparse(node)
        ):
            yield f"{node.lineno}: {ast.unparse(node)}"


def asks_for_randomness(module: Module) -> Iterator[str]:
    """Find imports of the random modules, and os.urandom."""
    if module.path == "chance.py":
        return
    yield from imported(module, CHANCE)
    yield from (f"{line}: urandom" for line, name in names(module) if name == "urandom")


def drives_a_database(module: Module) -> Iterator[str]:
    """Find imports of database drivers."""
    return iter(()) if module.path.startswith(DRIVING) else imported(module, DRIVERS)


def knows_the_web(module: Module) -> Iterator[str]:
    """Find imports of FastAPI and Starlette where only TMS itself belongs."""
    return imported(module, WEB) if module.path.startswith(WEBLESS) else iter(())


def stacks_middleware(module: Module) -> Iterator[str]:
    """Find Starlette's slow middleware in both of its forms."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".middleware"):
            yield f"{node.lineno}: {ast.unparse(node)}"
    yield from (f"{line}: {name}" for line, name in names(module) if name == "BaseHTTPMiddleware")


def injects_checks(module: Module) -> Iterator[str]:
    """Find dependency injection in the endpoints of TMS."""
    if module.path.startswith("tms/"):
        yield from (f"{line}: {name}" for line, name in names(module) if name == "Depends")


def imports_by_name(module: Module) -> Iterator[str]:
    """Find imports of our own package that are not relative."""
    return imported(module, {"app", "tms_standin"})


def docstring_is_amiss(module: Module) -> Iterator[str]:
    """Find modules without a docstring, and with one that is an essay."""
    docstring = ast.get_docstring(module.tree)
    lines = len(docstring.splitlines()) if docstring else 0
    if not 1 <= lines <= 4:
        yield f"1: {lines} lines"


def module_is_long(module: Module) -> Iterator[str]:
    """Find modules that do more than one job."""
    lines = len(module.text.splitlines())
    if lines > 300:
        yield f"{lines}: {lines} lines"


def function_is_long(module: Module) -> Iterator[str]:
    """Find functions that do not fit on a screen."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 40:
            yield f"{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines"


def keeps_global_state(module: Module) -> Iterator[str]:
    """Find module-level variables that are no constants, and containers that can only be meant to be filled later."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            constant = all(is_constant_name(module, name) for target in targets for name in target_names(target))
            if is_empty_container(node.value) or not (constant or is_fixed(node.value)):
                yield f"{node.lineno}: {ast.unparse(node)}"
    yield from (f"{node.lineno}: global" for node in ast.walk(module.tree) if isinstance(node, ast.Global))


def compares_a_secret(module: Module) -> Iterator[str]:
    """Find comparisons of two values of which one is called a secret; one with a constant tells a kind or an emptiness."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Compare) and any(isinstance(sign, COMPARISONS) for sign in node.ops):
            sides = [node.left, *node.comparators]
            if not any(is_told(side) for side in sides) and any(map(SECRET_NAME.search, map(last_name, sides))):
                yield f"{node.lineno}: {ast.unparse(node)}"


def is_told(side: ast.expr) -> bool:
    """Tell whether a side of a comparison is written in the code: a constant, its name, or a column of a statement."""
    column = re.search(r"\.c(\.|\[)", ast.unparse(side)) is not None
    return column or isinstance(side, ast.Constant | ast.Tuple) or last_name(side).isupper()


def last_name(side: ast.expr) -> str:
    """Return the word that says what a value is: `hash_of` of hash_of(x), `token` of call.token and call["token"]."""
    if isinstance(side, ast.Call):
        return last_name(side.func)
    if isinstance(side, ast.Subscript):
        return last_name(side.slice) or last_name(side.value)
    if isinstance(side, ast.Attribute):
        return last_name(side.value) if side.attr in ("encode", "decode", "strip", "lower") else side.attr
    return side.id if isinstance(side, ast.Name) else str(side.value) if isinstance(side, ast.Constant) else ""


def formats_sql(module: Module) -> Iterator[str]:
    """Find texts of SQL that are put together with anything but constants of the code."""
    allowed = OWN_NAMES_IN_SQL.get(module.path, set())
    for node in ast.walk(module.tree):
        taken = node.args[0] if isinstance(node, ast.Call) and node.args else None
        if taken is not None and last_name(node.func) in SQL_TAKERS and is_put_together(taken):
            found = [taken]
        else:
            found = [node] if is_put_together(node) and SQL.match(ast.unparse(node).lstrip("f(\"'")) else []
        yield from (f"{each.lineno}: {ast.unparse(each)}" for each in found if ast.unparse(each) not in allowed)


def is_put_together(node: ast.AST) -> bool:
    """Tell whether a text is made with values: formatted, joined by a sign, or by `format`."""
    if isinstance(node, ast.JoinedStr):
        return any(not last_name(part.value).isupper() for part in node.values if isinstance(part, ast.FormattedValue))
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod | ast.Add) and any(map(is_text, (node.left, node.right)))
    return (
        isinstance(node, ast.Call) and last_name(node.func) == "format" and is_text(getattr(node.func, "value", node))
    )


def is_text(node: ast.expr) -> bool:
    """Tell whether an expression is a text that stands in the code."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def tells_parameters(module: Module) -> Iterator[str]:
    """Find engines of SQLAlchemy whose errors repeat the values of a statement, secrets among them, in the log."""
    makers = ("create_engine", "create_async_engine")
    for node in ast.walk(module.tree):
        given = {word.arg: ast.unparse(word.value) for word in getattr(node, "keywords", ())}
        if isinstance(node, ast.Call) and last_name(node.func) in makers and given.get("hide_parameters") != "True":
            yield f"{node.lineno}: {ast.unparse(node)}"


def target_names(target: ast.expr) -> list[str]:
    """Return the names that an assignment to `target` binds."""
    return [ast.unparse(part) for part in (target.elts if isinstance(target, ast.Tuple) else [target])]


def is_constant_name(module: Module, name: str) -> bool:
    """Tell whether a name may stand at module level: constants, types, dunders, registries and the ASGI app."""
    allowed = {"on", "app"} if module.path == "main.py" else {"on"}
    return name in allowed or re.fullmatch(r"_?[A-Z]\w*|__\w+__", name) is not None


def is_fixed(value: ast.expr | None) -> bool:
    """Tell whether a value is another name for a function, a logger, or a table's definition."""
    called = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return isinstance(value, ast.Attribute) or called.lower().lstrip("_") in FIXED_CALLS


def is_empty_container(value: ast.expr | None) -> bool:
    """Tell whether a value is a mutable container without content."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in EMPTY_CALLS and not value.args and not value.keywords
    return (isinstance(value, ast.List) and not value.elts) or (isinstance(value, ast.Dict) and not value.keys)


LAWS = [
    Law(
        "Only clock.py asks the time.",
        asks_the_time,
        [
            ("wire.py", "import time"),
            ("wire.py", "from time import monotonic"),
            ("tms/hosts.py", "from datetime import datetime\ndatetime.now()"),
            ("tms/hosts.py", "import datetime\ndatetime.datetime.utcnow()"),
        ],
    ),
    Law(
        "Only chance.py asks for randomness.",
        asks_for_randomness,
        [
            ("keys.py", "import secrets"),
            ("keys.py", "from uuid import uuid4"),
            ("keys.py", "import random"),
            ("keys.py", "import os\nos.urandom(1)"),
        ],
    ),
    Law(
        "No database driver outside sqlite/, postgres/ and the journal.",
        drives_a_database,
        [("edge.py", "import sqlite3"), ("tms/hosts.py", "def f():\n    from aiosqlite import connect")],
    ),
    Law(
        "Secrets, tokens and hashes are compared by hmac alone, whose time tells nothing.",
        compares_a_secret,
        [
            ("gates.py", "found.client_secret == shown"),
            ("gates.py", "shown != row['token_hash']"),
            ("gates.py", "hash_of(shown) == found"),
            ("gates.py", "call.token.encode() == kept"),
        ],
    ),
    Law(
        "No error of SQLAlchemy repeats a statement's values.",
        tells_parameters,
        [
            ("database.py", "create_engine(url)"),
            ("database.py", "sqlalchemy.ext.asyncio.create_async_engine(url, hide_parameters=False)"),
        ],
    ),
    Law(
        "SQL is never put together with values: they are bound.",
        formats_sql,
        [
            ("tms/hosts.py", "sql = f\"SELECT * FROM hosts WHERE host = '{host}'\""),
            ("tms/hosts.py", "sql = 'DELETE FROM hosts WHERE host = %s' % host"),
            ("tms/hosts.py", "sql = 'UPDATE hosts SET host = ' + host"),
            ("tms/hosts.py", "sql = 'INSERT INTO hosts VALUES ({})'.format(host)"),
            ("tms/hosts.py", "connection.execute(f'{verb} FROM hosts')"),
            ("tms/hosts.py", "literal_column(f\"'{host}'\")"),
            ("page/records.py", "literal_column(f\"'{search}'\")"),
        ],
    ),
    Law(
        "Neither FastAPI nor Starlette in the store, the tables, the wire, the keys, the seed and tms/.",
        knows_the_web,
        [("store.py", "import fastapi"), ("tms/hosts.py", "from starlette.responses import Response")],
    ),
    Law(
        "No BaseHTTPMiddleware: what touches every request is pure ASGI.",
        stacks_middleware,
        [
            ("main.py", "from starlette.middleware.base import BaseHTTPMiddleware"),
            ("main.py", '@app.middleware("http")\nasync def f(request, call_next): ...'),
        ],
    ),
    Law(
        "No Depends in tms/: the order of checks is the gate's.",
        injects_checks,
        [("tms/hosts.py", "from fastapi import Depends"), ("tms/hosts.py", "def f(a=fastapi.Depends(b)): ...")],
    ),
    Law(
        "Imports inside app/ are relative, so that the wheel may call the package tms_standin.",
        imports_by_name,
        [("main.py", "from app.sqlite.store import SqliteStore"), ("main.py", "import app")],
    ),
    Law(
        "Every module opens with a docstring of at most four lines.",
        docstring_is_amiss,
        [("main.py", "import json"), ("main.py", '"""' + "word\n" * 5 + '"""')],
    ),
    Law("No module is longer than 300 lines.", module_is_long, [("main.py", "\n" * 301)]),
    Law("No function is longer than 40 lines.", function_is_long, [("main.py", "def f():\n" + "    pass\n" * 40)]),
    Law(
        "No mutable global: what stands at module level is a constant, a type or a registry called `on`.",
        keeps_global_state,
        [
            ("edge.py", "cache = make()"),
            ("edge.py", "count: int = 0"),
            ("edge.py", "FIRST, second = 1, 2"),
            ("edge.py", "CACHE = {}"),
            ("edge.py", "CACHE: dict[str, int] = dict()"),
            ("edge.py", "def f():\n    global COUNT"),
            ("edge.py", "app = create_app()"),
        ],
    ),
]
KEPT = '''"""One line."""
import datetime
from datetime import UTC, timedelta
from .clock import Clock
NAMES = {"a": 1}
Handler = Callable[[int], int]
__version__ = "1"
on = Registry()
FIRST, SECOND = 1, 2
encode = Encoder().encode
log = logging.getLogger("tms_standin")
def expiry(clock: Clock) -> datetime.datetime:
    return clock.now() + timedelta(minutes=1)
def newest(token: Token, kind: str) -> bool:
    engine = create_engine(url, hide_parameters=True)
    statement = select(tokens).where(tokens.c.token_hash == bindparam("token_hash"))
    connection.execute(f"PRAGMA busy_timeout = {MILLISECONDS}")
    told = f"Deleted {host}" + " and its tokens"
    return token.kind == "access_token" and token.token_hash != "" and kind == KIND_OF_TOKEN
'''
MODULES = [
    Module(str(path.relative_to(ROOT / "app")), path.read_text("utf-8"))
    for path in sorted((ROOT / "app").rglob("*.py"))
    if path.relative_to(ROOT / "app") != COPIED
]


def sentence(law: Law) -> str:
    """Return a law's name in pytest's lists."""
    return law.sentence


@pytest.mark.parametrize("law", LAWS, ids=sentence)
def test_law_holds(law):
    """No module of app/ breaks it."""
    found = [f"app/{module.path}:{breach}" for module in MODULES for breach in law.breaches(module)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("law", "path", "text"), [(law, *case) for law in LAWS for case in law.broken])
def test_law_can_fail(law, path, text):
    """A module that breaks the law is found, so that silence means something."""
    assert list(law.breaches(Module(path, text)))


@pytest.mark.parametrize("law", LAWS, ids=sentence)
def test_law_lets_good_code_pass(law):
    """What the law does not mean passes, in the strictest place."""
    assert list(law.breaches(Module("tms/hosts.py", KEPT))) == []


def silenced_without_reason(text: str) -> list[int]:
    """Return the lines whose comment silences a tool without saying why."""
    comments = (token for token in tokenize.generate_tokens(StringIO(text).readline) if token.type == tokenize.COMMENT)
    return [
        token.start[0]
        for token in comments
        if re.search(r"noqa|type: ignore|pragma: no", token.string)
        and not re.search(r"(noqa: [A-Z0-9, ]+|ignore\[[a-z-, ]+\]|no (cover|branch)) *( -| #) +\w+", token.string)
    ]


def test_every_silenced_finding_has_its_reason_on_the_line():
    """A tool is contradicted only with a reason: `# noqa: S311 - repeatable on request`."""
    every = [path for folder in ("app", "migrations", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    files = [path for path in every if ".venv" not in path.parts]  # What is installed for tapipy is other people's.
    found = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in silenced_without_reason(path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("comment", ["noqa", "noqa: S311", "type: ignore", "type: ignore[misc]", "pragma: no cover"])
def test_a_silenced_finding_without_reason_is_found(comment):
    """The bare form of each comment is found."""
    assert silenced_without_reason(f"x = 1  # {comment}\n") == [1]


@pytest.mark.parametrize(
    "comment", ["noqa: S311 - repeatable on request", "type: ignore[misc] # only a select returns rows"]
)
def test_a_silenced_finding_with_reason_passes(comment):
    """A reason behind a dash or in a comment of its own is enough."""
    assert silenced_without_reason(f"x = 1  # {comment}\n") == []


MACHINE = re.compile(r"(^|[^\w./}-])/(work|farm|root|home)/[a-z]")
REGISTRY = re.compile(r"((?:extra-)?index[-]url|find[-]links|\"resolved\":|registry[ =:\"]+http)")


def foreign(text: str) -> list[str]:
    """Return the lines that name a path of one machine or the address of a package registry."""
    return [line for line in text.splitlines() if MACHINE.search(line) or REGISTRY.search(line)]


def test_no_file_names_a_machine_or_a_registry():
    """A clone works anywhere; where packages come from is the machine's own setting."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = [ROOT / name for name in listing.stdout.split("\0") if name and name != "tests/test_laws.py"]
    texts = [(path, path.read_text("utf-8", "replace")) for path in files if path.is_file()]
    assert [f"{path.relative_to(ROOT)}: {line}" for path, text in texts for line in foreign(text)] == []


@pytest.mark.parametrize(
    "line",
    ["see /" + "home/alice/notes", "/" + "work/shared", "pip install --index-" + "url x", "--find-" + "links=x"],
)
def test_a_foreign_line_is_found(line):
    """Each kind of address is found."""
    assert foreign(line) == [line]
