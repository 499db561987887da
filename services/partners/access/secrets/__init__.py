"""The secrets a client shows: two at most are good at a time, so that one follows the other without a gap."""
