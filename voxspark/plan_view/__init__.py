"""The memory plan as something to look at: in the terminal, as an SVG, as JSON.

`profile` is what a team would take, `live` what a running daemon holds, `change` what a switch of profile would do;
each becomes a `chart`, which `picture` draws.
"""
