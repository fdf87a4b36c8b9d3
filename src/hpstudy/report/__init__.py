"""What a study found: statistics, findings in sentences, tables and figures, as text, Markdown, HTML and JSON.

It reads trials and writes documents; it trains nothing and asks no tracker. `build.build_report` is the entry.
Importing this package imports no library: pandas, SciPy, statsmodels and matplotlib are loaded when they are used.
"""
