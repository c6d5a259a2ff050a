"""The parts that a running stand-in is made of, handed to every request. No behaviour."""

from dataclasses import dataclass

from .chance import Chance
from .clock import Clock
from .hints import Hints
from .journal.journal import Journal
from .keys import KeyMaker
from .metrics.metrics import Metrics
from .modes import Modes
from .oauth.registry import Registry
from .oauth.signing import SigningKeys
from .request_log import RequestLog
from .settings import Settings
from .snapshots import Snapshots
from .steering.operations import OperationNames
from .steering.steering import Steering
from .store import Store
from .tapis.tenants import Tenants


@dataclass
class Parts:
    """Everything an endpoint may use. `store` is there from the lifespan's start to its end."""

    settings: Settings
    modes: Modes
    clock: Clock
    chance: Chance
    keys: KeyMaker
    log: RequestLog
    hints: Hints
    store: Store
    snapshots: Snapshots
    steering: Steering
    names: OperationNames
    journal: Journal
    metrics: Metrics
    registry: Registry
    signing: SigningKeys
    tenants: Tenants
