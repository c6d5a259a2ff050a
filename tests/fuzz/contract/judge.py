"""Sends one made-up request and judges the answer. It makes no request up."""

import time
from random import Random
from typing import Any

import requests
import schemathesis
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from tests.servers import ADMIN_SECRET

from .allowed import Setup, may_drop, section_of

SLOW_SECONDS = 1.0
RSA_SECONDS = 20.0  # Two threads make RSA keys ahead, and a queue of wishes waits for them.
_TRIES = 3
_TIMEOUT = 60
_CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
_CLIENT = {"X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1"}
_ADMIN = {"X-TMS-ADMIN-ID": "~~admin", "X-TMS-ADMIN-SECRET": ADMIN_SECRET}
_TENANT = {"X-TMS-TENANT": "test"}
_EVERYBODY = {**_CLIENT, **_ADMIN, **_TENANT}
_CALLERS = (*3 * ({**_CLIENT, **_TENANT}, {**_ADMIN, **_TENANT}, _EVERYBODY), {**_CLIENT, **_ADMIN}, {})


class FoundError(Exception):
    """An answer that nothing allows; the text tells the request as well."""


class DroppedError(Exception):
    """The connection was closed without an answer, as the contract says (5.1 D2)."""


class Judge:
    """Sends requests to one server, whose modes it knows, and counts them."""

    def __init__(self, url: str, setup: Setup, with_callers: bool) -> None:
        self.count = 0
        self.slow = 0
        self._url = url
        self._setup = setup
        self._callers = _CALLERS if with_callers else ({},)
        self._luck = Random(0)
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, case: schemathesis.Case) -> Response:
        """Send a case and return the answer. Raises FoundError and DroppedError."""
        if case.path.endswith("/journal"):
            case.query.pop("wait", None)  # It makes the answer wait for other requests, as long as it is asked to.
        case.headers.update(self._luck.choice(self._callers))
        response, seconds = self._sent(case)
        limit = RSA_SECONDS if "rsa" in str(case.body).lower() else SLOW_SECONDS
        for _ in range(_TRIES - 1):
            if seconds <= limit:
                break
            self.slow += 1
            response, seconds = self._sent(case)
        if seconds > limit:
            raise self._found(case, response, f"it took {seconds:.1f} s")
        self._check_failure(case, response)
        self._check_document(case, response)
        return response

    def _sent(self, case: schemathesis.Case) -> tuple[Response, float]:
        self.count += 1
        started = time.perf_counter()
        try:
            options: dict[str, Any] = {"allow_redirects": False, "timeout": _TIMEOUT}
            response = case.call(base_url=self._url, session=self._session, **options)
        except requests.ConnectionError as error:
            if may_drop(self._setup, _name(case)):
                raise DroppedError from None
            raise FoundError(f"{case.as_curl_command()}\nthe connection was closed: {error}") from None
        except requests.Timeout:
            raise FoundError(f"{case.as_curl_command()}\nno answer in {_TIMEOUT} s") from None
        return response, time.perf_counter() - started

    def _check_failure(self, case: schemathesis.Case, response: Response) -> None:
        if response.status_code != 500:
            return
        try:
            sentence = str(response.json()["result_msg"])
        except (ValueError, KeyError, TypeError):
            sentence = ""
        if section_of(self._setup, _name(case), sentence) is None:
            raise self._found(case, response, "no section of the contract names this 500")

    def _check_document(self, case: schemathesis.Case, response: Response) -> None:
        try:
            case.validate_response(response, checks=_CHECKS)
        except (Failure, FailureGroup) as failure:
            raise self._found(case, response, str(failure)) from None

    def _found(self, case: schemathesis.Case, response: Response, why: str) -> FoundError:
        body = response.content[:500].decode("utf-8", "replace")
        command = case.as_curl_command(headers=dict(response.request.headers))
        return FoundError(f"{self._setup}\n{why}\n{command}\n{response.status_code} {body}")


def _name(case: schemathesis.Case) -> str:
    return str(case.operation.definition.raw.get("operationId", ""))
