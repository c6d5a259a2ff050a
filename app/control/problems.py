"""What a refused call of the control plane gets: application/problem+json (RFC 9457). It decides no refusal itself."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import DatabaseTrouble
from ..oauth.issuers import HostError

MEDIA_TYPE = "application/problem+json"

_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "model_attributes_type": "must be a JSON object",
}


_TAGS = {"action": "approve, deny or expire", "mode": "real, frozen or offset"}


class FieldError(BaseModel):
    """What is wrong with one member of the body, or one parameter of the query."""

    field: str
    detail: str


class Problem(BaseModel):
    """A problem of RFC 9457."""

    type: str = Field(description="Always about:blank: `title` is the status's own name.")
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = Field(default=None, description="Left out where no field is to blame.")
    flow_status: str | None = Field(default=None, description="With 409: what the device flow is already.")


class Refused(Exception):  # noqa: N818 - a refusal in the words of this project, like those of errors.py
    """A call that is refused with this status, sentence and headers."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] | None = None,
        flow_status: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            type="about:blank",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            errors=None if errors is None else list(errors),
            flow_status=flow_status,
        )
        self.headers = headers


def wrong_field(field: str, detail: str) -> Refused:
    """Return the refusal of a field whose value is well formed, but cannot be used."""
    return Refused(422, f"{field} {detail}.", errors=[FieldError(field=field, detail=detail)])


def problem_response(refused: Refused) -> Response:
    """Return the answer, in ASCII: names of members come from the caller and need not be Unicode."""
    body = json.dumps(refused.problem.model_dump(exclude_none=True))
    return Response(body, refused.problem.status, refused.headers, MEDIA_TYPE)


async def answer_failure(request: Request, failure: Exception) -> Response:
    """Return the answer to whatever a call has raised; FastAPI calls this."""
    return problem_response(failure if isinstance(failure, Refused) else _refused(request, failure))


HANDLERS: dict[int | type[Exception], Any] = dict.fromkeys(
    (Refused, RequestValidationError, HTTPException, HostError, DatabaseTrouble, OSError, Exception), answer_failure
)


def _refused(request: Request, failure: Exception) -> Refused:
    if isinstance(failure, RequestValidationError):
        return _invalid(request, failure)
    if isinstance(failure, HTTPException):
        return Refused(failure.status_code, _sentence(failure), headers=failure.headers)
    if isinstance(failure, HostError):
        return Refused(400, "The Host header is missing or no host's name.")
    if isinstance(failure, DatabaseTrouble):
        return Refused(503, "The database does not answer, try again.", headers={"retry-after": "1"})
    if isinstance(failure, OSError):
        return Refused(507, f"A file of the stand-in cannot be read or written: {failure.strerror}.")
    return Refused(500, "An error of the stand-in, see its log.")


def _sentence(failure: HTTPException) -> str:
    """Return what FastAPI and Starlette say in two words."""
    if failure.status_code == HTTPStatus.NOT_FOUND:
        return "There is no such call; openapi.json lists all of them."
    if failure.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"The method must be {(failure.headers or {})['Allow']}."
    return f"{failure.detail}."


def _invalid(request: Request, failure: RequestValidationError) -> Refused:
    """Return 400 for what is no JSON, 415 for what does not say that it is, 422 with the fields for everything else."""
    found = failure.errors()
    if found[0]["type"] == "json_invalid":
        return Refused(400, "The body is not valid JSON.")
    whole = any(error["loc"] == ("body",) and error["type"] != "missing" for error in found)
    if whole and "json" not in request.headers.get("content-type", ""):
        return Refused(415, "The body must be JSON, with the header Content-Type: application/json.")
    errors = [FieldError(field=_field(error), detail=_SENTENCES.get(error["type"]) or _rule(error)) for error in found]
    return Refused(422, " ".join(f"{error.field} {error.detail}." for error in errors), errors=errors)


def _field(error: Mapping[str, Any]) -> str:
    if error["type"].startswith("union_tag"):
        return str(error["ctx"]["discriminator"]).strip("'")
    return str(error["loc"][-1])


def _rule(error: Mapping[str, Any]) -> str:
    """Return what pydantic or `shaped` expected; neither repeats the value."""
    if error["type"].startswith("union_tag"):
        return f"must be {_TAGS[_field(error)]}"
    said = str(error["msg"])
    return f"must {said.removeprefix('Input should ')}" if said.startswith("Input should ") else f"must be {said}"
