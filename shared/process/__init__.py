"""A service as a process: `run | serve | work | migrate | doctor | parked | republish | trace | rebuild`."""

from shared.process.checks import Check, Trouble
from shared.process.entry import main
from shared.process.runtime import Probe, Runtime, Service, Waker

__all__ = ["Check", "Probe", "Runtime", "Service", "Trouble", "Waker", "main"]
