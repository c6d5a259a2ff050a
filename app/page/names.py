"""What a client needs to know of the seed: ids, secrets, passwords, variables. It opens no database."""

from ..errors import StartRefused
from ..exports import export_lines
from ..records import ADMINISTRATOR_ID
from ..seed import seed_of
from ..seed_records import Seed
from ..settings import Settings

MOST = 20  # names of a kind


Words = tuple[tuple[str, str], ...]  # to copy, as (label, text)


def names_of(settings: Settings, secret_is_known: bool) -> dict[str, list[Words]]:
    """Return what the seed of the start and the settings name, in clear as they do, by kind."""
    seed = _seed(settings)
    oauth_clients = {client.client_id: client for client in (*seed.oauth.clients, *settings.oauth.clients)}
    users = {user.username: user.password for user in (*seed.oauth.users, *settings.oauth.users)}
    kinds: dict[str, list[Words]] = {
        "TMS clients": [
            (("tenant", client.tenant), ("client", client.client_id), ("secret", client.client_secret))
            for client in seed.clients[:MOST]
        ],
        "Administrators": [
            (
                ("tenant", tenant.tenant),
                ("administrator", ADMINISTRATOR_ID),
                *_secret(tenant.admin_secret or (settings.admin_secret if secret_is_known else None)),
            )
            for tenant in seed.tenants[:MOST]
        ],
        "OAuth clients": [
            (("client", client.client_id), *_secret(client.client_secret))
            for client in [*oauth_clients.values()][:MOST]
        ],
        "Users": [(("user", username), ("password", password)) for username, password in [*users.items()][:MOST]],
    }
    return {kind: lines for kind, lines in kinds.items() if lines}


def _secret(secret: str | None) -> Words:
    return (("secret", secret),) if secret else ()


def exports_of(settings: Settings, url: str, secret_is_known: bool) -> str:
    """Return the lines for the load suite's shell."""
    return "\n".join(export_lines(settings, url, secret_is_known))


def _seed(settings: Settings) -> Seed:
    try:
        return seed_of(settings.seed)
    except StartRefused:
        return Seed(tenants=[])  # The file has gone or changed since the start.
