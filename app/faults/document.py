"""The body of PUT faults (design 2.7) and its shape. Whether a rule can ever match is the business of checks.py."""

import re
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from ..control.shapes import Text
from .durations import LONGEST_SECONDS

MOST_RULES = 60
_LONGEST_MS = LONGEST_SECONDS * 1000
_LARGEST = 2**53
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"([!-~\xa0-\xff]([\t -~\xa0-\xff]*[!-~\xa0-\xff])?)?")
_FRAMING = ("content-length", "transfer-encoding")
_BODILESS = (204, 205, 304)


def _is_true(value: Any) -> Any:
    if value is not True:
        raise PydanticCustomError("true", "must be true")
    return value


def _is_no_number(value: Any) -> Any:
    """Return the value; 1 would count as true."""
    return value if isinstance(value, bool | str) else None


def _sendable(value: Any) -> Any:
    try:
        comes_back = msgspec.json.decode(msgspec.json.encode(value)) == value
    except (ValueError, RecursionError):
        comes_back = False
    if not comes_back:
        raise PydanticCustomError("body", "must be Unicode, its numbers finite")
    return value


def _headers(given: dict[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING or not _HEADER_VALUE.fullmatch(value):
            raise PydanticCustomError("headers", f"must be {_HEADERS}")
    return given


_HEADERS = "texts by their headers' names, without Content-Length and Transfer-Encoding"
_True = Annotated[Literal[True], BeforeValidator(_is_true), Field(description="true")]
_Milliseconds = Annotated[
    float, Field(gt=0, le=_LONGEST_MS, allow_inf_nan=False, description="milliseconds, above 0, 3600000 at most")
]
_FirstMilliseconds = Annotated[
    float, Field(ge=0, le=_LONGEST_MS, allow_inf_nan=False, description="milliseconds, from 0 to 3600000")
]


class Strict(BaseModel):
    """No member but those that are named, no value of another type. A description says what a value must be."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(Strict):
    """Answer in the endpoint's place."""

    status: int = Field(ge=200, le=599, description="an integer from 200 to 599")
    body: Annotated[Any, AfterValidator(_sendable)] = Field(
        default=None, description="a text, sent as it is, or any other JSON value"
    )
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(default={}, description=_HEADERS)

    @model_validator(mode="after")
    def _has_no_body_where_none_can_be(self) -> "Answer":
        if self.body is not None and self.status in _BODILESS:
            raise PydanticCustomError("bodiless", "must have no body with status 204, 205 and 304")
        return self


class Delay(Strict):
    """Wait, the same time always."""

    delay_ms: _Milliseconds


class Uniform(Strict):
    """Every time from `from_ms` to `to_ms` is as likely as the others."""

    from_ms: _FirstMilliseconds
    to_ms: _Milliseconds

    @model_validator(mode="after")
    def _goes_up(self) -> "Uniform":
        if self.from_ms >= self.to_ms:
            raise PydanticCustomError("order", "must have a from_ms below its to_ms")
        return self


class LogNormal(Strict):
    """Half of the times are below `median_ms`, 99 of 100 below `p99_ms`."""

    median_ms: _Milliseconds
    p99_ms: _Milliseconds

    @model_validator(mode="after")
    def _goes_up(self) -> "LogNormal":
        if self.median_ms >= self.p99_ms:
            raise PydanticCustomError("order", "must have a median_ms below its p99_ms")
        return self


class FixedTime(Strict):
    """The same as `delay_ms`."""

    fixed_ms: _Milliseconds


class UniformTime(Strict):
    """A time between two others."""

    uniform: Uniform = Field(description="an object of from_ms and to_ms")


class LogNormalTime(Strict):
    """A time with a long tail."""

    log_normal: LogNormal = Field(description="an object of median_ms and p99_ms")


def _chosen(prefix: str, names: tuple[str, ...], value: Any) -> str | None:
    """Return the tag of the first of these members that a value has."""
    has = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    return next((f"{prefix}{name}" for name in names if name in has), None)


_TIMES = ("fixed_ms", "uniform", "log_normal")
DEEDS = ("status", "delay_ms", "delay", "close", "reset", "cut_after_bytes", "hang", "database_down")
_TIME = "an object of one of fixed_ms, uniform and log_normal"
_DEED = f"an object of one of {', '.join(DEEDS[:-1])} and {DEEDS[-1]}; status may have body and headers beside it"


def _time_tag(value: Any) -> str | None:
    return _chosen("delay:", _TIMES, value)


def _deed_tag(value: Any) -> str | None:
    return _chosen("do:", DEEDS, value)


class DistributedDelay(Strict):
    """Wait, now longer and now shorter."""

    delay: Annotated[
        Annotated[FixedTime, Tag("delay:fixed_ms")]
        | Annotated[UniformTime, Tag("delay:uniform")]
        | Annotated[LogNormalTime, Tag("delay:log_normal")],
        Discriminator(_time_tag),
    ] = Field(description=_TIME)


class Close(Strict):
    """Close the connection without an answer."""

    close: _True


class Reset(Strict):
    """Reset the connection (TCP RST) without an answer."""

    reset: _True


class Cut(Strict):
    """Have the endpoint answer, and close the connection after so many bytes of the body; a shorter one goes out whole."""

    cut_after_bytes: int = Field(ge=0, le=_LARGEST, description="an integer from 0 on")


class Hang(Strict):
    """Answer nothing until the rules are replaced or removed, or until a reset; the endpoint answers then."""

    hang: _True


class DatabaseDown(Strict):
    """Have the endpoint find its database away: from the first question on, or once tenant or caller are checked."""

    database_down: Annotated[Literal[True, "authorization", "dependencies"], BeforeValidator(_is_no_number)] = Field(
        description='true, "authorization" or "dependencies"'
    )


Deed = Annotated[
    Annotated[Answer, Tag("do:status")]
    | Annotated[Delay, Tag("do:delay_ms")]
    | Annotated[DistributedDelay, Tag("do:delay")]
    | Annotated[Close, Tag("do:close")]
    | Annotated[Reset, Tag("do:reset")]
    | Annotated[Cut, Tag("do:cut_after_bytes")]
    | Annotated[Hang, Tag("do:hang")]
    | Annotated[DatabaseDown, Tag("do:database_down")],
    Discriminator(_deed_tag),
]


class Rule(Strict):
    """What is done to which requests. Whatever is left out chooses all."""

    operation: str | None = Field(default=None, description='an operationId of /spec, or "METHOD /path/template"')
    client_id: Text | None = Field(default=None, description="a text, neither empty nor with a NUL")
    tenant: Text | None = Field(default=None, description="a text, neither empty nor with a NUL")
    count: int | None = Field(default=None, ge=1, le=_LARGEST, description="an integer from 1 on")
    every: int | None = Field(default=None, ge=1, le=_LARGEST, description="an integer from 1 on")
    probability: float | None = Field(
        default=None, gt=0, le=1, allow_inf_nan=False, description="a number above 0, 1 at most"
    )
    do: Deed = Field(description=_DEED)


_Seed = Annotated[int, Field(ge=0, le=_LARGEST, description="an integer from 0 to 9007199254740992")]


class RuleSet(Strict):
    """Rules, looked at in their order; a delay is followed by the rules behind it, everything else ends the look."""

    seed: _Seed = 0
    rules: list[Rule] = Field(
        min_length=1,
        max_length=MOST_RULES,
        description=f"a list of 1 to {MOST_RULES} rules, where there is no scenario",
    )


class Scenario(Strict):
    """A ready-made one."""

    seed: _Seed = 0
    scenario: Literal["hang-0.1.0", "dev-server"] = Field(description='"hang-0.1.0" or "dev-server"')


def _document_tag(value: Any) -> str:
    return _chosen("document:", ("scenario",), value) or "document:rules"


Document = Annotated[
    Annotated[RuleSet, Tag("document:rules")] | Annotated[Scenario, Tag("document:scenario")],
    Discriminator(_document_tag),
]
