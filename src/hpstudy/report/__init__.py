"""What a study found: statistics, findings in sentences, tables and figures, as text, Markdown, HTML and JSON.

It reads trials and writes documents; it trains nothing and contacts no tracker. The entry is `build.build_report`.
Importing this package imports no library: pandas, SciPy, statsmodels and matplotlib are loaded when they are used.
"""
