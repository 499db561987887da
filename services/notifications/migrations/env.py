"""Runs the migrations of the notifications service: what its models say, and the tables of the mechanism."""

from shared.migrations import run_env, tables_of

run_env(*tables_of("notifications"))
