"""What the page's forms mean: each becomes one call of the control plane, whose refusal the page shows. It checks none."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

Form = Mapping[str, str]
_COUNTS = ("matched", "struck")  # what GET faults tells of a rule and PUT does not take


class Wish(NamedTuple):
    """A call of the control plane: method, path, body, and what the page says when it is done."""

    method: str
    path: str
    body: Any
    done: str


class Action(NamedTuple):
    """The section that a form stands in, what it wishes, and the path of what it has to know before."""

    section: str
    wish: Callable[[Form, Any], Wish]
    reads: str | None = None


def _reset(form: Form, _before: Any) -> Wish:
    settings = form.get("settings") == "on"
    return Wish("POST", "/reset", {"settings": settings}, "Everything is back to the seed.")


def _mode(form: Form, _before: Any) -> Wish:
    name, value = form.get("name", ""), _typed(form.get("value", ""))
    body = {"tapis": {"race": value}} if name == "tapis.race" else {name: value}
    return Wish("PATCH", "/settings", body, f"{name} is {form.get('value', '')} now.")


def _journal(form: Form, _before: Any) -> Wish:
    value = _typed(form.get("value", ""))
    return Wish("PATCH", "/settings", {"journal": value}, f"The journal is {'on' if value is True else 'off'} now.")


def _empty_journal(_form: Form, _before: Any) -> Wish:
    return Wish("DELETE", "/journal", None, "The journal is empty.")


def _decide(form: Form, _before: Any) -> Wish:
    action, code = form.get("action", ""), form.get("user_code", "")
    body = {"action": action, **({"username": form.get("username", "")} if action == "approve" else {})}
    done = {"approve": "approved", "deny": "denied", "expire": "expired"}.get(action, action)
    return Wish("POST", f"/device/{quote(code, safe='')}", body, f"{code} is {done}.")


def _clock(form: Form, _before: Any) -> Wish:
    action = form.get("action", "")
    if action == "advance":
        seconds = _number(form.get("amount", ""), int(_number(form.get("unit", "1")) or 1))
        return Wish("POST", "/clock/advance", {"seconds": seconds}, "The clock has moved on.")
    if action == "freeze":
        now = form.get("now", "")
        body = {"mode": "frozen", **({"now": f"{now}Z"} if now else {})}
        return Wish("PUT", "/clock", body, "The clock stands still.")
    return Wish("PUT", "/clock", {"mode": action}, "The clock runs with the system's.")


def _snapshot(form: Form, _before: Any) -> Wish:
    action, name = form.get("action", ""), form.get("name", "")
    path = f"/snapshots/{quote(name, safe='') or '%20'}"
    if action == "save":
        return Wish("PUT", path, None, f"{name} is saved.")
    if action == "restore":
        return Wish("POST", f"{path}/restore", None, f"{name} is restored.")
    return Wish("DELETE", path, None, f"{name} is deleted.")


def _scenario(form: Form, _before: Any) -> Wish:
    name = form.get("scenario", "")
    return Wish("PUT", "/faults", {"scenario": name}, f"The scenario {name} is on.")


def _clear_faults(_form: Form, _before: Any) -> Wish:
    return Wish("DELETE", "/faults", None, "No fault is set.")


def _rule(form: Form, faults: Any) -> Wish:
    """Wish for the rules that are set and one more; it takes the place of a scenario. Their counts begin anew."""
    rules = [{name: value for name, value in each.items() if name not in _COUNTS} for each in faults["rules"]]
    rule: dict[str, Any] = {"operation": form["operation"]} if form.get("operation") else {}
    if form.get("every"):
        rule["every"] = _number(form["every"])
    rule["do"] = _deed(form.get("deed", ""), form.get("value", ""))
    body = {"seed": faults.get("seed", 0), "rules": [*rules, rule]}
    return Wish("PUT", "/faults", body, "The rule is set.")


def _deed(deed: str, value: str) -> dict[str, Any]:
    """Return what a rule does: those with a value get it, the others are true."""
    takes_value = deed in ("status", "delay_ms", "cut_after_bytes")
    return {deed: _number(value) if takes_value else True}


def _typed(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _number(text: str, unit: int = 1) -> int | float | str:
    """Return a number, or the text where it is none: the control plane says then what it must be."""
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text) * unit
    return float(text) * unit if re.fullmatch(r"-?[0-9]{0,15}\.[0-9]{1,15}", text) else text


ACTIONS: dict[str, Action] = {
    "reset": Action("traffic", _reset),
    "mode": Action("modes", _mode),
    "journal": Action("requests", _journal),
    "empty-journal": Action("requests", _empty_journal),
    "device": Action("device", _decide),
    "clock": Action("clock", _clock),
    "snapshot": Action("snapshots", _snapshot),
    "scenario": Action("faults", _scenario),
    "clear-faults": Action("faults", _clear_faults),
    "rule": Action("faults", _rule, "/faults"),
}
