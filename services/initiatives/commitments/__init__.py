"""What was promised in signed agreements, followed one by one."""
