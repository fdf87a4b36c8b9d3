"""All that hpstudy knows of psycopg's private parts. A version that has renamed one of them fails here, at import.

psycopg is an optional dependency, so this is imported only where a PostgreSQL database is opened.
"""

from __future__ import annotations

from psycopg.errors import _WaitTimeout as WaitTimeout  # raised by `Connection.wait`, which is public but undocumented

__all__ = ["WaitTimeout"]
