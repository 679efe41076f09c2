"""A pulser's circuit, board, case, figures and safety file, worked out from `firmware/boards/*.json`.

Nothing here is needed to run twintap. Modules that take only the standard library (facts, boards, netlist,
bom, stripboard, rules, tracing and the like) are tested by `make test`; those that draw or model run in
`.venv-hardware`, by `make hardware`.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0
