"""What passes from networks to their members: which agreement lets whom take part, and by which path.

The room knows no membership and no agreement, only what the rooms above tell it: this membership holds, this agreement binds.
"""
