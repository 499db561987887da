"""Speed as ratios: each row measures us and a bare baseline in the same run, on this machine, against 127.0.0.1 only."""
