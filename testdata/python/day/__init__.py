"""The workers and the next_workers module of a small forecast day, for tests of mixed operation.

sleep -> download -> grid and tides, side by side behind a race condition barrier; tides waits for grid, and fails
    -> publish, which needs the weather -> verify, on another host, which crashes
clear_checklist and awaken are started by hand.
"""
