"""The TMS API: one module per resource. No module here knows HTTP beyond a status, or a connection."""

from ..declare import Operation
from . import clients, credentials, delegations, hosts, pubkeys, reservations, server, tenants, user_hosts, user_mfa

RESOURCES = (server, credentials, clients, user_mfa, pubkeys, user_hosts, delegations, tenants, hosts, reservations)

OPERATIONS: list[Operation] = [operation for resource in RESOURCES for operation in resource.on.operations]
