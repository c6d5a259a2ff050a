"""Every target once, by name."""

from . import bodies, control, files, texts
from .target import Target

TARGETS: dict[str, Target] = {
    target.name: target for module in (bodies, texts, files, control) for target in module.targets()
}
