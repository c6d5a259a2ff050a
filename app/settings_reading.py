"""Reads the file and the environment for settings.py, and words every refusal. It declares no setting itself."""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource

from .errors import StartRefused

PREFIX = "TMS_STANDIN_"
CONFIG_VARIABLE = "TMS_STANDIN_CONFIG"

EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "model_type": "a table",
    "string_too_short": "a string that is not empty",
    "string_type": "a string",
    "tuple_type": "a list",
}
# Values of these names never appear in a sentence: they are secrets or may hold one.
HIDDEN = {"admin_secret", "clients", "client_secret", "control_token", "database", "oauth", "password", "users"}


def read_file(environment: Mapping[str, str], directory: Path) -> tuple[Path | None, tuple[Path, ...], dict[str, Any]]:
    """Return the file that was read, if one was, those looked for in vain, and the document (design 2.2).

    Raises StartRefused for a file that cannot be read or parsed, and for a named one that is not there.
    """
    named, root = environment.get(CONFIG_VARIABLE), environment.get("TMS_ROOT_DIR")
    if named is not None:
        if not named:
            raise StartRefused(f"{CONFIG_VARIABLE} is empty; it must name a file.")
        path = directory / named
        document = _parsed(path)
        if document is None:
            raise StartRefused(f"{CONFIG_VARIABLE} names the file {path}, which does not exist.")
        return path, (), document
    missing: list[Path] = []
    for path in ([directory / root / "config" / "tms.toml"] if root else []) + [directory / "tms.toml"]:
        document = _parsed(path)
        if document is not None:
            return path, tuple(missing), document
        missing.append(path)
    return None, tuple(missing), {}


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartRefused(f"The configuration file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StartRefused(f"The configuration file {path} is not UTF-8 (at line {line}).") from None
    except tomllib.TOMLDecodeError as error:
        raise StartRefused(f"The configuration file {path} cannot be parsed as TOML: {error}.") from None
    except RecursionError:
        raise StartRefused(
            f"The configuration file {path} cannot be parsed as TOML: it is nested too deeply."
        ) from None


def flattened(
    document: dict[str, Any], path: Path | None, names: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, Any]:
    """Return the values of a document by setting; `names` has the setting of each key that may stand in it.

    `known` has the words that a sentence may propose, and how each is written out. Raises StartRefused.
    """
    own = document.get("standin", {})
    if not isinstance(own, dict):
        raise StartRefused(f"{path}: standin must be a table.")
    found = {key: value for key, value in document.items() if key != "standin"}
    found |= {f"standin.{key}": value for key, value in own.items()}
    for key in found:
        if key not in names:
            raise StartRefused(f"{path}: {key} is not a known key{_nearest(key, known)}.")
    return {names[key]: value for key, value in found.items()}


class Environment(EnvSettingsSource):
    """pydantic-settings' reader of the environment, given the environment and the variable of each setting.

    Called, it returns the values by setting. Raises StartRefused for a variable that is none of ours.
    """

    def __init__(
        self, settings_class: type[BaseSettings], environment: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        super().__init__(settings_class)
        self._variables = variables
        ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        known = {variable.removeprefix(PREFIX): variable for variable in variables.values()}
        for name in sorted(ours.keys() - {CONFIG_VARIABLE, *known.values()}):
            raise StartRefused(f"{name} is not a variable of the stand-in{_nearest(name.removeprefix(PREFIX), known)}.")
        self.env_vars = {name.lower(): value for name, value in ours.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        """Return the value of a list that is written as JSON; raises StartRefused if it is not."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            variable = next(self._variables[name] for name in self._variables if name.rpartition(".")[2] == field_name)
            raise StartRefused(f"{variable} must be a list, written as JSON.") from None

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        """Return a value of the right type where it can be; raises StartRefused for a number without end."""
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            raise StartRefused(f"{self._endless(field_name)} must be a number of fewer digits.") from None

    def _endless(self, field_name: str) -> str:
        """Return the longest variable of a setting or a table of them."""
        own = [variable for name, variable in self._variables.items() if name.partition(".")[0] == field_name]
        return max(own, key=lambda variable: len(self.env_vars.get(variable.lower()) or ""))


def merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return the values of both, those of `over` where both have one, also inside tables."""
    tables = {name: {**under.get(name, {}), **value} for name, value in over.items() if isinstance(value, dict)}
    return {**under, **over, **tables}


def leaves(values: dict[str, Any]) -> frozenset[str]:
    """Return the names of the settings that have a value, those inside tables dotted."""
    return frozenset(
        leaf
        for name, value in values.items()
        for leaf in ([f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name])
    )


def check_values(
    model: type[BaseModel], values: dict[str, Any], spell: Callable[[str], str], known: Mapping[str, str], prefix: str
) -> None:
    """Raise StartRefused, `prefix` and a sentence, if the model does not take the values.

    `spell` says how a setting is called where the values come from; `known` is as in `flattened`.
    """
    try:
        model(**values)
    except ValidationError as error:
        raise StartRefused(prefix + _sentence(error.errors()[0], spell, known)) from None


def _sentence(error: ErrorDetails, spell: Callable[[str], str], known: Mapping[str, str]) -> str:
    place = _place(error["loc"], spell)
    last = next(str(part) for part in reversed(error["loc"]) if isinstance(part, str))
    if error["type"] == "extra_forbidden":
        return f"{place} is not a known key{_nearest(last, known)}."
    if error["type"] == "missing":
        return f"{place} is missing."
    shown = "" if last in HIDDEN or isinstance(error["input"], dict | list) else f", not {_shown(error['input'])}"
    return f"{place} must be {_expected(error)}{shown}."


def _nearest(name: str, known: Mapping[str, str]) -> str:
    # Imported here, since only a refusal needs it.
    from difflib import get_close_matches

    close = get_close_matches(name.rpartition(".")[2], known, n=1)
    return f"; the nearest one is {known[close[0]]}" if close else ""


def _place(location: Iterable[int | str], spell: Callable[[str], str]) -> str:
    parts = list(location)
    place = spell(".".join(str(part) for part in takewhile(lambda part: isinstance(part, str), parts)))
    for part in dropwhile(lambda part: isinstance(part, str), parts):
        place = f"item {part + 1} of {place}" if isinstance(part, int) else f"{part} in {place}"
    return place


def _expected(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", '"')
    return EXPECTED.get(error["type"], error["msg"].removeprefix("Input should be "))


def _shown(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # Python writes no number of more than 4,300 digits, which a hexadecimal one may have.
        return "a number of thousands of digits"
