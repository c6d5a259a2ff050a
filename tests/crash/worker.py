"""One client of the mixed load: sends a request for whatever action comes up, and keeps the ledger. It knows no action."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.crash.caller import Answer, Caller, NoAnswerError
from tests.crash.estate import Estate
from tests.crash.ledger import Change, Ledger, Things
from tests.seeded import ADMIN

DEVICE = {"client_id": "device-public"}
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
RIGHT = {"authorization_pending", "slow_down", "access_denied", "invalid_grant"}  # what the device flow says by design


class Worker:
    """One client of the load. `wrong` counts the answers that no right server gives."""

    def __init__(self, url: str, ledger: Ledger, estate: Estate, wrong: Counter[str], mvp: bool) -> None:
        self.caller, self.mvp = Caller(url), mvp
        self.ledger, self.estate, self.wrong = ledger, estate, wrong
        self.stopped = False

    async def work(self, actions: "Actions", otherwise: "Action") -> None:
        """Send requests until told to stop or until nobody answers; `otherwise` is for what finds nothing to act on."""
        try:
            while not self.stopped:
                (action,) = random.choices(list(actions), list(actions.values()))
                if not await action(self):
                    await otherwise(self)
        except NoAnswerError:
            return
        finally:
            self.caller.close()

    async def tms(
        self, method: str, path: str, after: Things, body: Any = None, headers: dict[str, str] = ADMIN
    ) -> tuple[Change, Answer]:
        """Ask TMS for a change. Raises NoAnswerError, and leaves the change open."""
        change = self.ledger.asked(after)
        named = {name: value for name, value in headers.items() if name != "Content-Type"}
        answer = await self.caller.ask(method, f"/v1/tms/{path}", body, named)
        return change, self._noted(method, path, answer)

    async def oauth(self, path: str, after: Things, **form: str) -> tuple[Change, Answer]:
        """Ask the authorization server for a change. Raises NoAnswerError."""
        change = self.ledger.asked(after)
        answer = await self.caller.ask("POST", f"/oauth2/{path}", {**DEVICE, **form}, form=True)
        return change, self._noted("POST", path, answer)

    async def control(self, path: str, after: Things, body: Any) -> tuple[Change, Answer]:
        """Ask the control plane for a change. Raises NoAnswerError."""
        change = self.ledger.asked(after)
        return change, self._noted("POST", "device", await self.caller.ask("POST", f"/_standin/{path}", body))

    def _noted(self, method: str, path: str, answer: Answer) -> Answer:
        by_design = isinstance(answer.body, dict) and answer.body.get("error") in RIGHT
        if answer.status >= 400 and not by_design:
            self.wrong[f"{method} {path.partition('?')[0]} was answered {answer.words}"] += 1
        return answer


Action = Callable[[Worker], Awaitable[bool]]  # returns whether there was something to act on
Actions = dict[Action, int]  # and how often each comes up
