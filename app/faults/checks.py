"""Finds rules that can never match, and operations that nobody serves. The shape of a document is document.py's."""

from collections.abc import Iterator

from ..steering.operations import OperationNames
from .document import DatabaseDown, Delay, DistributedDelay, Rule

# What answers without a question to the database.
WITHOUT_DATABASE = frozenset(
    (
        "GET /v1/tms/hello",
        "GET /v1/tms/version",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/openid-configuration",
        "GET /v3/oauth2/hello",
        "GET /v3/oauth2/ready",
        "GET /v3/oauth2/.well-known/oauth-authorization-server",
        "GET /v3/apps/healthcheck",
    )
)


def mistakes(rules: list[Rule], names: OperationNames) -> Iterator[tuple[str, str]]:
    """Yield the path of each member that cannot be, such as rules.0.operation, and a sentence's end that says why."""
    templates = {
        known: named.template for named in names.all for known in (named.operation_id, named.template) if known
    }
    for number, rule in enumerate(rules):
        place = f"rules.{number}"
        if rule.operation is not None and rule.operation not in names.known:
            accepted = ", ".join(sorted(names.known))
            yield f"{place}.operation", f"must be an operationId, or a method and a path template, one of: {accepted}"
            continue
        template = None if rule.operation is None else templates[rule.operation]
        yield from ((f"{place}{member}", why) for member, why in _impossible(rule, template))
        first = next((at for at, other in enumerate(rules[:number]) if _takes_all_of(other, rule, templates)), None)
        if first is not None:
            yield place, f"can never match: rules.{first} takes every such request"


def _impossible(rule: Rule, template: str | None) -> Iterator[tuple[str, str]]:
    if rule.count is not None and rule.every is not None and rule.every > rule.count:
        yield ".every", "can never match: it must not be greater than count, the matches that are looked at"
    if rule.tenant is not None and template is not None and " /v1/tms/" not in template:
        yield ".tenant", "can never match: only operations of TMS carry X-TMS-TENANT"
    if isinstance(rule.do, DatabaseDown) and template in WITHOUT_DATABASE:
        yield ".do.database_down", "can never match: this operation asks no database"


def _takes_all_of(rule: Rule, later: Rule, templates: dict[str, str]) -> bool:
    """Return whether nothing that the later rule could match gets past a rule."""
    always = rule.count is None and rule.every in (None, 1) and rule.probability in (None, 1.0)
    if not always or isinstance(rule.do, Delay | DistributedDelay):
        return False
    operations = [one.operation and templates.get(one.operation, one.operation) for one in (rule, later)]
    pairs = (operations, (rule.client_id, later.client_id), (rule.tenant, later.tenant))
    return all(wide is None or wide == narrow for wide, narrow in pairs)
