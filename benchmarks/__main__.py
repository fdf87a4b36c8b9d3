"""`python -m benchmarks [PART …]`: run parts of the suite, then write docs/benchmarks.md and the figures."""

from __future__ import annotations

import argparse
import importlib
import time

from benchmarks.harness import Options, Report, Skipped, save, say
from benchmarks.pages import write_pages

PARTS = {  # name → module and function; those that need no quiet machine come last
    "twelve": "whole.twelve",
    "fortyeight": "whole.fortyeight",
    "titanic": "whole.titanic",
    "titanic_structures": "whole.titanic_structures",
    "epoch": "epoch.run",
    "imdb": "imdb.run",
    "structure": "structure.run",
    "startup": "startup.run",
    "claims": "claims.run",
    "mirror": "mirror.run",
    "growth": "growth.run",
    "memory": "memory.run",
    "search": "search.run",
    "hyperband": "hyperband.run",
}
ON_REQUEST = ("fortyeight", "hyperband")  # longer than all others together


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without any: all but the longest"
    )
    parser.add_argument("--repeats", type=int, help="runs of each side [default: what the part thinks right]")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to see that the code runs; keeps nothing")
    parser.add_argument("--pages", action="store_true", help="only write docs/benchmarks.md and figures from results")
    options = parser.parse_args()
    unknown = set(options.parts) - PARTS.keys()
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if not options.pages:
        wanted = options.parts or [name for name in PARTS if name not in ON_REQUEST]
        for name in wanted:
            run_part(name, Options(repeats=options.repeats, smoke=options.smoke))
    if not options.smoke:
        write_pages()
    return 0


def run_part(name: str, options: Options) -> Report | None:
    """Run one part and keep what it found. One that cannot run here says why and is left out."""
    module, _, function = PARTS[name].rpartition(".")
    say(f"== {name}")
    begun = time.perf_counter()
    try:
        report: Report = getattr(importlib.import_module(f"benchmarks.{module}"), function)(options)
    except Skipped as reason:
        say(f"{name} is skipped: {reason}")
        return None
    for row in report.rows:
        say(f"{row.what}: {row.reached} (goal {row.goal}){'' if row.met in (True, None) else ': NOT MET'}")
    save(name, report, options, time.perf_counter() - begun)
    return report


if __name__ == "__main__":
    raise SystemExit(main())
