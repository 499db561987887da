"""What an error of the database means to an operator: what is wrong, and how to mend it."""

import socket

from sqlalchemy.engine import URL, make_url

from shared.process.checks import Trouble

VARIABLE = "INTERURBE_DATABASE_URL"

_REFUSED: dict[str, tuple[str, str]] = {
    "28P01": ("the password of the role {role} is not accepted", f"Put the right password into {VARIABLE}."),
    "28000": ("the role {role} may not log in, or does not exist", f"Create the role, or name another one in {VARIABLE}."),
    "3D000": ("there is no database {name}", f"Create it (CREATE DATABASE {{name}} OWNER {{role}}), or name another one in {VARIABLE}."),
    "53300": ("the server has no connection left", "Raise max_connections, or lower INTERURBE_POOL_SIZE of the services."),
    "57P03": ("the server is starting or stopping", "Wait until it is up."),
    "42501": ("the role {role} is not allowed to do this", "Make it the owner of the database: ALTER DATABASE {name} OWNER TO {role}."),
    "55P03": ("a table is in use by others for too long", "Look for long transactions (pg_stat_activity), end them, and try again."),
    "57014": ("a statement took too long", "Look for what holds it up (pg_stat_activity), and try again."),
}


def where(url: str) -> str:
    """The address without its password."""
    return make_url(url).render_as_string(hide_password=True).replace(":***@", "@")


def of_database(error: BaseException, url: str) -> Trouble:
    """The same error in an operator's words; `error` may be asyncpg's, the system's, or SQLAlchemy's around one of them."""
    place = make_url(url)
    cause = _deepest(error)
    known = _REFUSED.get(getattr(cause, "sqlstate", None) or "")
    if known is not None:
        role, name = place.username or "?", place.database or "?"
        return Trouble(known[0].format(role=role, name=name), known[1].format(role=role, name=name))
    if isinstance(cause, socket.gaierror):
        return Trouble(f"the name {place.host} is not known to the network", f"Correct the host in {VARIABLE}, or the name service.")
    if isinstance(cause, TimeoutError):
        fix = f"Look whether a firewall is between, and whether {VARIABLE} names the right host."
        return Trouble(f"{_address(place)} does not answer", fix)
    if isinstance(cause, OSError):
        return Trouble(f"nothing listens on {_address(place)}", f"Start PostgreSQL, or correct host and port in {VARIABLE}.")
    words = str(cause).strip().partition("\n")[0]
    return Trouble(f"{type(cause).__name__}: {words}", "Nothing of what failed was kept; mend it and try again.")


def _address(place: URL) -> str:
    return f"{place.host}:{place.port or 5432}"


def _deepest(error: BaseException) -> BaseException:
    original = getattr(error, "orig", None)
    inner = original if isinstance(original, BaseException) else error
    while inner.__cause__ is not None and getattr(inner, "sqlstate", None) is None:
        inner = inner.__cause__
    return inner
